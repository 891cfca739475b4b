// Four endpoints that change what is wrong with them five times a second, retries on everything, hedging, and clients of
// which some go at any moment: afterwards no request is on its way anywhere, and memory is flat. Bodies that come back
// are compared with those that were sent.
//   scripts/bench soak/resilience [seconds]
import { createHash, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { UpstreamReport } from '../../src/upstreams/report.ts'
import { Gateway, mib, until } from '../lab.ts'
import type { LiveSeen } from '../probe/live.ts'
import { Client } from './client.ts'

const SECONDS = Number(process.argv[2] ?? 60)
const CLIENTS = 64
const ENDPOINTS = 4
/** ms between two changes. */
const CHANGE = 200
/** One request in so many is given up by its client. */
const GIVEN_UP = 10
/** ms; the gateway allows three seconds. */
const MOST_WAIT = 6000
const BODY = 48 * 1024
/** bytes by which the old space and buffers may be larger at the end than half way, both without load. */
const MOST_GROWTH = 2 * 1024 * 1024

const FAULTS = [
  'none',
  'none',
  'none',
  'late',
  'stall',
  'errors',
  'reset',
  'reset-late',
  'cut',
  'close',
  'refuse',
  'garbage',
]
type Fault = (typeof FAULTS)[number]

/** Says whether the upload was what its head promised, and gives it back. */
class Endpoint {
  fault: Fault = 'none'
  wrong = 0
  readonly #server = createServer({ keepAliveTimeout: 2000 }, (request, response) => this.#take(request, response))
  #port = 0

  async start(): Promise<string> {
    this.#server.on('connection', (socket) => socket.on('error', () => {}))
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    this.#port = (this.#server.address() as AddressInfo).port
    return `http://127.0.0.1:${this.#port}`
  }

  become(fault: Fault): void {
    if (fault === 'refuse' && this.#server.listening) {
      this.#server.close()
      this.#server.closeAllConnections()
    } else if (fault !== 'refuse' && !this.#server.listening) this.#server.listen(this.#port, '127.0.0.1')
    this.fault = fault
  }

  stop(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    const { fault } = this
    const { socket } = request
    request.on('error', () => {})
    response.on('error', () => {})
    if (fault === 'reset') return void socket.resetAndDestroy()
    if (fault === 'errors') return void response.writeHead(503, { 'content-length': 2 }).end('no')
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks)
      const promised = request.headers['x-sha256']
      if (promised !== undefined && promised !== digest(body)) this.wrong++
      if (fault === 'stall') return
      if (fault === 'garbage') socket.write('garbage\r\n\r\n')
      else if (fault === 'reset-late') socket.resetAndDestroy()
      else if (fault === 'late') setTimeout(() => response.end(body), 50)
      else if (fault === 'cut') {
        response.writeHead(200, { 'content-length': body.length + 9 })
        response.write(body, () => socket.destroy())
        if (body.length === 0) setTimeout(() => socket.destroy(), 5)
      } else {
        if (fault === 'close') setTimeout(() => socket.destroy(), 1)
        response.writeHead(200, { 'content-length': body.length }).end(body)
      }
    })
  }
}

const probe = new URL('../probe/live.ts', import.meta.url).pathname
for (const engine of ['uws', 'node']) for (const transport of ['wire', 'undici']) await run(engine, transport)

async function run(engine: string, transport: string): Promise<void> {
  const endpoints = Array.from({ length: ENDPOINTS }, () => new Endpoint())
  const urls = await Promise.all(endpoints.map((endpoint) => endpoint.start()))
  const gateway = await Gateway.start(
    `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${engine} }]
admin: { bind: '127.0.0.1:0' }
upstreams:
  app:
    endpoints: [${urls.map((url) => `{ url: '${url}' }`).join(', ')}]
    transport: ${transport}
    retries: { attempts: 4, on: [connect-failure, reset, timeout, 5xx], perTry: 150ms, backoff: 5ms, budget: 100%, methods: [GET, HEAD, PUT, POST] }
    hedge: { after: 20ms, budget: 100% }
    timeouts: { total: 3s, idle: 1s, header: X-Left }
    breaker: { window: 1s, minimum: 20, failures: 60%, open: 100ms, probes: 3, per: [endpoint] }
    connections: { keepAlive: 1s, max: 64 }
    slowStart: 0s
routes: [{ name: all, match: { path: '/**' }, upstream: app }]
`,
    { flags: ['--expose-gc', '--import', probe] },
  )
  const report = async (): Promise<UpstreamReport> => {
    const response = await fetch(`http://127.0.0.1:${gateway.port('admin')}/admin/v1/upstreams`)
    return ((await response.json()) as { upstreams: UpstreamReport[] }).upstreams[0]!
  }
  const isQuiet = ({ inFlight, pending, endpoints: all }: UpstreamReport): boolean =>
    inFlight === 0 && pending === 0 && all.every((one) => one.inFlight === 0 && one.connections === 0)
  const counts = { done: 0, wrong: 0, given: 0, cut: 0, hung: 0 }
  const statuses = new Map<number, number>()
  const port = gateway.port('main')
  const seen: LiveSeen[] = []
  for (let half = 0; half < 2; half++) {
    const change = setInterval(() => {
      endpoints[Math.floor(Math.random() * ENDPOINTS)]!.become(FAULTS[Math.floor(Math.random() * FAULTS.length)]!)
    }, CHANGE)
    const end = performance.now() + (SECONDS * 1000) / 8
    await Promise.all(Array.from({ length: CLIENTS }, () => load(port, end, counts, statuses)))
    clearInterval(change)
    for (const endpoint of endpoints) endpoint.become('none')
    await until(async () => isQuiet(await report()), `${engine} and ${transport} to be quiet`).catch(
      async (error: unknown) => {
        console.log(String(error), JSON.stringify(await report()))
        process.exitCode = 1
      },
    )
    seen.push(await gateway.ask<LiveSeen>('live'))
  }
  const [middle, last] = seen as [LiveSeen, LiveSeen]
  const wrong = counts.wrong + endpoints.reduce((sum, endpoint) => sum + endpoint.wrong, 0)
  const spread = [...statuses].toSorted(([x], [y]) => x - y).map(([status, count]) => `${status}: ${count}`)
  console.log(
    `${engine} and ${transport}: ${counts.done} requests (${spread.join(', ')}), ${counts.cut} cut, ${counts.hung} hung, ${counts.given} given up, ${wrong} bodies wrong; ` +
      `old space ${kib(middle.oldSpace)} -> ${kib(last.oldSpace)}, buffers ${kib(middle.buffers)} -> ${kib(last.buffers)}, ` +
      `${last.attempts} attempts, ${last.connections} connections; resident ${mib(await gateway.kilobytes('VmRSS'))}`,
  )
  const grown = Math.max(last.oldSpace - middle.oldSpace, last.buffers - middle.buffers)
  if (wrong > 0 || counts.hung > 0 || grown > MOST_GROWTH || gateway.child.exitCode !== null) process.exitCode = 1
  await gateway.stop()
  for (const endpoint of endpoints) endpoint.stop()
}

type Counts = Record<'done' | 'wrong' | 'given' | 'cut' | 'hung', number>

async function load(port: number, end: number, counts: Counts, statuses: Map<number, number>): Promise<void> {
  let client = new Client(port)
  while (performance.now() < end) {
    const { text, body } = request()
    counts.done++
    const leaves = Math.random() * GIVEN_UP < 1
    const going = leaves ? setTimeout(() => client.socket.resetAndDestroy(), Math.random() * 60) : undefined
    const asked = performance.now()
    const reply = await client.ask(text)
    if (performance.now() - asked > MOST_WAIT) counts.hung++
    clearTimeout(going)
    if (reply !== null) {
      statuses.set(reply.status, (statuses.get(reply.status) ?? 0) + 1)
      if (reply.status === 200 && reply.body !== body) counts.wrong++
    } else if (leaves) counts.given++
    else counts.cut++
    if (!client.closed && !leaves) continue
    client.socket.destroy()
    client = new Client(port)
  }
  client.socket.destroy()
}

/** A GET, or a PUT or POST with a body of known length or in chunks. */
function request(): { text: string; body: string } {
  const kind = Math.floor(Math.random() * 4)
  if (kind < 2) return { text: 'GET / HTTP/1.1\r\nHost: h\r\n\r\n', body: '' }
  const bytes = randomBytes(Math.floor(Math.random() * BODY) + 1)
  const body = bytes.toString('latin1')
  const head = `${kind === 2 ? 'PUT' : 'POST'} / HTTP/1.1\r\nHost: h\r\nX-Sha256: ${digest(bytes)}\r\n`
  if (Math.random() < 0.5) return { text: `${head}Content-Length: ${bytes.length}\r\n\r\n${body}`, body }
  const at = Math.floor(bytes.length / 2)
  const parts = [body.slice(0, at), body.slice(at)].filter((part) => part !== '')
  const chunks = parts.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join('')
  return { text: `${head}Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`, body }
}

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function kib(bytes: number): string {
  return `${(bytes / 1024).toFixed(0)} KiB`
}
