// First figures of the whole gateway: start, memory, and CPU per proxied request beside nginx, both pinned to one core in
// interleaved rounds. Needs Debian's wrk and nginx; taskset comes with util-linux.
//   scripts/bench road/first
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer as createTcp, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Gateway, mib, Process, until } from '../lab.ts'

const ROUNDS = 7
const SECONDS = 2
const CONNECTIONS = 64
const IDLE = 10_000
const GATEWAY_CORE = '1'
const LOAD_CORE = '0'

for (const tool of ['wrk', 'nginx', 'taskset']) {
  try {
    execFileSync('which', [tool])
  } catch {
    console.error(`${tool} is missing: apt-get install ${tool === 'taskset' ? 'util-linux' : tool}`)
    process.exit(2)
  }
}

const directory = mkdtempSync(join(tmpdir(), 'sluice-first-'))
process.once('exit', () => rmSync(directory, { recursive: true, force: true }))

/** 69 bytes of JSON from nginx, which costs the load core least. */
const body = JSON.stringify({ id: 42, name: 'a name of some length', tags: ['x', 'y'], ok: true })
const upstreamPort = await freePort()
const proxyPort = await freePort()
const upstream = startNginx(
  'upstream',
  LOAD_CORE,
  `server { listen 127.0.0.1:${upstreamPort}; location / { default_type application/json; return 200 '${body}'; } }`,
)
const nginx = startNginx(
  'proxy',
  GATEWAY_CORE,
  `upstream up { server 127.0.0.1:${upstreamPort}; keepalive 128; }
   server { listen 127.0.0.1:${proxyPort}; location / { proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
     proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Request-Id $request_id; add_header X-Request-Id $request_id; } }`,
)

const configuration = (engine: string): string => `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${engine} }]
plugins: { request-id: {} }
upstreams: { up: { endpoints: [{ url: 'http://127.0.0.1:${upstreamPort}' }] } }
routes: [{ name: all, upstream: up }, { name: own, match: { path: /own }, respond: { body: hello } }]
`
const pin = ['taskset', '-c', GATEWAY_CORE]

const starts: number[] = []
for (let i = 0; i < 5; i++) {
  const start = performance.now()
  const gateway = await Gateway.start(configuration('uws'), pin)
  await until(async () => (await fetch(`http://127.0.0.1:${gateway.port('main')}/`)).ok, 'the first answer')
  starts.push(performance.now() - start)
  if (i === 4) await idle(gateway)
  await gateway.stop()
}
console.log(`start to first proxied answer: ${shown(starts)} ms`)

const sluice = await Gateway.start(configuration('uws'), pin)
const node = await Gateway.start(configuration('node'), pin)
const runs = {
  nginx: { process: nginx, url: `http://127.0.0.1:${proxyPort}/`, cpu: [] as number[], rate: [] as number[] },
  'sluice uws': {
    process: sluice,
    url: `http://127.0.0.1:${sluice.port('main')}/`,
    cpu: [] as number[],
    rate: [] as number[],
  },
  'sluice node': {
    process: node,
    url: `http://127.0.0.1:${node.port('main')}/`,
    cpu: [] as number[],
    rate: [] as number[],
  },
  'sluice uws, respond': {
    process: sluice,
    url: `http://127.0.0.1:${sluice.port('main')}/own`,
    cpu: [] as number[],
    rate: [] as number[],
  },
}
for (let round = -1; round < ROUNDS; round++) {
  for (const run of Object.values(runs)) {
    const before = await run.process.cpu()
    const output = execFileSync(
      'taskset',
      ['-c', LOAD_CORE, 'wrk', '-t1', `-c${CONNECTIONS}`, `-d${SECONDS}s`, run.url],
      { encoding: 'utf8' },
    )
    const requests = Number(/(\d+) requests in/.exec(output)![1])
    if (/Non-2xx|Socket errors/.test(output)) throw new Error(output)
    if (round < 0) continue // to warm up
    run.cpu.push(((await run.process.cpu()) - before) / requests)
    run.rate.push(requests / SECONDS)
  }
}
for (const [name, { cpu, rate }] of Object.entries(runs)) {
  const ratios = cpu.map((value, i) => value / runs.nginx.cpu[i]!)
  console.log(
    `${name.padEnd(20)} CPU per request ${shown(cpu)} us, ${shown(ratios, 2)} times nginx; ${shown(rate)} requests/s`,
  )
}
await Promise.all([sluice.stop(), node.stop(), nginx.stop(), upstream.stop()])

async function idle(gateway: Gateway): Promise<void> {
  const before = await gateway.kilobytes('VmRSS')
  const sockets: Socket[] = []
  for (let i = 0; i < IDLE; i++) {
    // One address has about 28,000 free ports.
    sockets.push(connect({ port: gateway.port('main'), host: '127.0.0.1' }).on('error', () => {}))
    if (i % 500 === 499) await until(() => sockets.every((socket) => !socket.connecting), 'connections')
  }
  const after = await gateway.kilobytes('VmRSS')
  console.log(
    `resident memory: idle ${mib(before)}, with ${sockets.filter((socket) => !socket.destroyed).length} idle connections ${mib(after)}`,
  )
  for (const socket of sockets) socket.resetAndDestroy()
}

function startNginx(name: string, core: string, server: string): Process {
  const file = join(directory, `${name}.conf`)
  writeFileSync(
    file,
    `daemon off; master_process off; worker_processes 1; pid ${directory}/${name}.pid; error_log stderr crit; worker_rlimit_nofile 20000;
     events { worker_connections 16384; } http { access_log off; keepalive_requests 1000000000; keepalive_timeout 600s;
     client_body_temp_path ${directory}/${name}-body; proxy_temp_path ${directory}/${name}-proxy; fastcgi_temp_path ${directory}/f; uwsgi_temp_path ${directory}/u; scgi_temp_path ${directory}/s; ${server} }`,
  )
  return new Process('taskset', ['-c', core, 'nginx', '-c', file, '-p', directory])
}

async function freePort(): Promise<number> {
  const server = createTcp()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

function shown(values: readonly number[], digits = 0): string {
  const sorted = values.toSorted((a, b) => a - b)
  return `${sorted[sorted.length >> 1]!.toFixed(digits)} (${sorted[0]!.toFixed(digits)}-${sorted.at(-1)!.toFixed(digits)})`
}
