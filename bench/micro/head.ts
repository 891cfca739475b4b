// Reading a reply head and writing the block for the client, and writing a request head.
//   scripts/bench micro/head
import { HeaderEdits, SET } from '../../src/base/header-edits.ts'
import { Exchange } from '../../src/contract/exchange.ts'
import type { ListenerContext, Road } from '../../src/contract/road.ts'
import { ByteWriter } from '../../src/upstreams/wire/byte-writer.ts'
import { writeHead } from '../../src/upstreams/wire/outbox.ts'
import { readHead } from '../../src/upstreams/wire/read-head.ts'
import { WireHead } from '../../src/upstreams/wire/response-head.ts'
import { measure } from './measure.ts'

const SMALL =
  'HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sat, 21 Nov 2026 07:13:25 GMT\r\nContent-Type: application/json\r\n' +
  'Content-Length: 69\r\nConnection: keep-alive\r\n\r\n'
const LARGE = SMALL.replace(
  '\r\n\r\n',
  '\r\nCache-Control: public, max-age=3600\r\nETag: "6b014493-100000"\r\nVary: Accept-Encoding, Origin\r\n' +
    'Strict-Transport-Security: max-age=31536000; includeSubDomains\r\nX-Content-Type-Options: nosniff\r\n' +
    'Set-Cookie: session=0123456789abcdef0123456789abcdef; Path=/; HttpOnly; Secure; SameSite=Lax\r\n' +
    "Content-Security-Policy: default-src 'self'; img-src *; script-src 'self' https://cdn.example.com\r\n\r\n",
)

const x = new Exchange({} as Road, {} as ListenerContext)
x.method = 'GET'
x.upstreamTarget = '/api/users/42?expand=teams'
x.body.length = 0
for (const [name, value] of [
  ['host', 'api.example.com'],
  ['user-agent', 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'],
  ['accept', 'application/json'],
  ['x-forwarded-for', '203.0.113.7'],
  ['x-forwarded-proto', 'https'],
  ['x-request-id', 'baf339671b6400000000'],
] as const)
  x.upstreamHeaders.push(name, value)
const out = new ByteWriter(16 * 1024)
measure('write a request head of 6 fields', () => {
  out.end = 0
  writeHead(x, '', out)
  return out.end
})

const head = new WireHead()
const edits = new HeaderEdits()
for (const [name, text] of [
  ['5 fields', SMALL],
  ['12 fields', LARGE],
] as const) {
  const bytes = Buffer.alloc(65_536)
  bytes.write(text + 'x'.repeat(69))
  const end = text.length + 69
  measure(`read a head of ${text.length} bytes, ${name}`, () => {
    head.start() // as if the one before had been another
    return readHead(bytes, 0, end, head, 256)
  })
  measure('the same head again', () => readHead(bytes, 0, end, head, 256))
  measure('the same head again, with its block and one edit', () => {
    readHead(bytes, 0, end, head, 256)
    edits.push(SET, 'x-request-id', 'baf339671b6400000000')
    return head.block(edits).length
  })
}
