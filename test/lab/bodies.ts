// A gateway between a bare client and one upstream, and bodies to send through it.
import { createHash } from 'node:crypto'
import type { RequestListener } from 'node:http'
import type { TestContext } from 'node:test'
import { GatewayProcess, type Road } from './gateway.ts'
import { RawClient } from './raw-client.ts'
import { startHttpUpstream, type Upstream } from './upstreams.ts'

export interface BodyLab {
  readonly upstream: Upstream
  readonly gateway: GatewayProcess
  readonly connect: () => Promise<RawClient>
}

/** `more`: further lines of the configuration. */
export async function bodyLab(
  test: TestContext,
  road: Road,
  answer: RequestListener,
  { more = '', timeouts = 'idle: 5s' } = {},
): Promise<BodyLab> {
  const upstream = await startHttpUpstream(test, answer)
  const gateway = await GatewayProcess.start(
    test,
    `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${road.engine} }]
${more}
upstreams: { up: { transport: ${road.transport}, endpoints: [{ url: '${upstream.url}' }], timeouts: { ${timeouts} } } }
routes: [{ name: all, upstream: up }]
`,
  )
  return { upstream, gateway, connect: () => RawClient.connect(test, gateway.port('main')) }
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** In chunks of `size` bytes. */
export function chunked(body: Buffer, size: number): Buffer {
  const pieces: Buffer[] = []
  for (let at = 0; at < body.length; at += size) {
    const piece = body.subarray(at, at + size)
    pieces.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'))
  }
  return Buffer.concat([...pieces, Buffer.from('0\r\n\r\n')])
}
