// The gateways that are compared, all with the same work: keep-alive connections to the upstream, X-Forwarded-For, and a
// request id that goes both ways. Each is one process on one core.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { refusingPort } from '../../test/lab/upstreams.ts'
import { Gateway, Process, until } from '../lab.ts'

export const GATEWAY_CORE = '1'
export const LOAD_CORE = '0'
export const HEAP_PROBE = new URL('../probe/heap.ts', import.meta.url).pathname
export const PINNED = ['taskset', '-c', GATEWAY_CORE]

/** 69 bytes. */
const SMALL = JSON.stringify({ id: 42, name: 'a name of usual length', tags: ['x', 'y'], ok: true })
const SIZES = { '16k': 16 * 1024, '1m': 1024 * 1024 }

export interface Peer {
  readonly name: string
  readonly process: Process
  readonly origin: string
  /** It runs on V8, with the heap probe loaded. */
  readonly hasHeap: boolean
}

const directory = mkdtempSync(join(tmpdir(), 'sluice-road-'))
process.once('exit', () => rmSync(directory, { recursive: true, force: true }))

/** What a missing tool is to be had with; null when it is there. */
export function missing(tool: string): string | null {
  try {
    execFileSync('which', [tool], { stdio: 'ignore' })
    return null
  } catch {
    return `${tool} is missing: apt-get install ${tool === 'taskset' ? 'util-linux' : tool}`
  }
}

/** nginx, which costs the load core least: /69, /16k, /1m. A POST gets the same. */
export async function startUpstream(): Promise<{ readonly process: Process; readonly port: number }> {
  const port = await refusingPort()
  const locations = Object.entries(SIZES).map(([name, size]) => {
    writeFileSync(join(directory, name), Buffer.alloc(size, 'sluice '))
    return `location = /${name} { root ${directory}; default_type application/octet-stream; error_page 405 =200 $uri; }`
  })
  return {
    port,
    process: await startNginx(
      'upstream',
      port,
      LOAD_CORE,
      `sendfile on; open_file_cache max=10; server { listen 127.0.0.1:${port}; location / { default_type application/json; return 200 '${SMALL}'; } ${locations.join(' ')} }`,
    ),
  }
}

/** Larger than nginx's own defaults, with which it would write a large body to a file on its way through. */
const NGINX_BUFFERS =
  'proxy_buffer_size 16k; proxy_buffers 16 64k; proxy_busy_buffers_size 256k; proxy_max_temp_file_size 0;'

type Start = (upstream: number) => Promise<Peer | string>

/** By name. A string instead of a peer says how to get it. */
export const PEERS: Readonly<Record<string, Start>> = {
  nginx: async (upstream) => {
    const port = await refusingPort()
    const server = `upstream up { server 127.0.0.1:${upstream}; keepalive 1024; keepalive_requests 1000000000; }
      server { listen 127.0.0.1:${port}; location / { proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection "";
        proxy_set_header Host $host; proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header X-Request-Id $request_id; add_header X-Request-Id $request_id;
        ${NGINX_BUFFERS} } }`
    return peer('nginx', await startNginx('proxy', port, GATEWAY_CORE, server), port)
  },
  haproxy: async (upstream) => {
    const absent = missing('haproxy')
    if (absent !== null) return absent
    const port = await refusingPort()
    const file = join(directory, 'haproxy.cfg')
    writeFileSync(
      file,
      `global
  nbthread 1
  maxconn 8000
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
  unique-id-format %{+X}o%ci:%cp_%fi:%fp_%Ts_%rt:%pid
frontend f
  bind 127.0.0.1:${port}
  option forwardfor
  unique-id-header X-Request-Id
  http-response set-header X-Request-Id %[unique-id]
  default_backend b
backend b
  server s 127.0.0.1:${upstream} pool-max-conn 1024
`,
    )
    const process = new Process('taskset', ['-c', GATEWAY_CORE, 'haproxy', '-db', '-f', file])
    await until(() => answers(port), 'haproxy')
    return peer('haproxy', process, port)
  },
  fastify: (upstream) => startNode('fastify', 'fastify.js', upstream),
  'fast-proxy': (upstream) => startNode('fast-proxy', 'fast-proxy.js', upstream),
  'sluice undici': (upstream) => startSluice('sluice undici', 'uws', 'transport: undici', upstream),
  'sluice wire': (upstream) => startSluice('sluice wire', 'uws', 'transport: wire', upstream),
  'sluice pipelined': (upstream) => startSluice('sluice pipelined', 'uws', 'transport: wire, pipelining: 8', upstream),
  'sluice node': (upstream) => startSluice('sluice node', 'node', 'transport: wire', upstream),
}

async function startSluice(name: string, engine: string, transport: string, upstream: number): Promise<Peer> {
  const gateway = await Gateway.start(
    `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${engine} }]
plugins: { request-id: {} }
upstreams: { up: { endpoints: [{ url: 'http://127.0.0.1:${upstream}' }], ${transport} } }
routes: [{ name: all, upstream: up }, { name: own, match: { path: /own }, plugins: { request-id: off }, respond: { body: hello } }]
`,
    { prefix: PINNED, flags: ['--import', HEAP_PROBE] },
  )
  return { ...peer(name, gateway, gateway.port('main')), hasHeap: true }
}

async function startNode(name: string, script: string, upstream: number): Promise<Peer | string> {
  const peers = new URL('../peers/', import.meta.url).pathname
  if (!existsSync(join(peers, 'node_modules'))) return `${name} is missing: (cd bench/peers && npm ci)`
  const port = await refusingPort()
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', '--import', HEAP_PROBE]
  const argv = [...node, join(peers, script), String(port), `http://127.0.0.1:${upstream}`]
  const child = new Process('taskset', ['-c', GATEWAY_CORE, ...argv])
  await until(() => answers(port), name)
  return { ...peer(name, child, port), hasHeap: true }
}

async function startNginx(name: string, port: number, core: string, server: string): Promise<Process> {
  const file = join(directory, `${name}.conf`)
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  writeFileSync(
    file,
    `daemon off; master_process off; worker_processes 1; pid ${directory}/${name}.pid; error_log stderr crit; worker_rlimit_nofile 20000;
     events { worker_connections 16384; } http { access_log off; keepalive_requests 1000000000; keepalive_timeout 600s;
     ${temporary.map((kind) => `${kind}_temp_path ${directory}/${name}-${kind};`).join(' ')} ${server} }`,
  )
  const child = new Process('taskset', ['-c', core, 'nginx', '-c', file, '-p', directory])
  await until(() => answers(port), `nginx as ${name}`)
  return child
}

function peer(name: string, child: Process, port: number): Peer {
  return { name, process: child, origin: `http://127.0.0.1:${port}`, hasHeap: false }
}

async function answers(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/69`)).ok
  } catch {
    return false
  }
}
