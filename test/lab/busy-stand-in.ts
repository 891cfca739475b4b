// A stand-in that looks like a gateway on a busy day: for the pictures in docs/, and to look at the page by hand
// (`node test/lab/busy-stand-in.ts` prints its address).
import { fileURLToPath } from 'node:url'
import type { StatsReport } from '../../src/admin/stats-report.ts'
import type { LatencyStats } from '../../src/telemetry/latencies.ts'
import type { UpstreamReport } from '../../src/upstreams/report.ts'
import { endpointReport, statsReport, trafficStats, upstreamReport } from './admin-reports.ts'
import { AdminStandIn } from './admin-stand-in.ts'

const ROUTES = [
  ['checkout', 'POST', 'shop.example.com', '/cart/{id}/checkout', 'orders', 310, 18],
  ['catalogue', 'GET', 'shop.example.com', '/products/**', 'catalogue', 1840, 3.1],
  ['search', 'GET', 'shop.example.com', '/search', 'search', 720, 24],
  ['users', 'GET,POST', 'api.example.com', '/users/{id}', 'users', 460, 4.2],
  ['sessions', 'POST', 'api.example.com', '/sessions', 'users', 95, 9],
  ['images', 'GET', 'cdn.example.com', '/images/{rest*}', 'images', 1310, 1.4],
  ['recommendations', 'GET', 'api.example.com', '/recommendations', 'catalogue', 260, 31],
  ['webhooks', 'POST', 'hooks.example.com', '/in/{source}', 'orders', 22, 6.5],
  ['invoices', 'GET', 'api.example.com', '/invoices/{id}', 'orders', 12, 14],
  ['healthz', 'GET', '*', '/healthz', '', 4, 0.1],
  ['old-shop', 'GET', 'www.example.com', '/shop/{rest*}', '', 3, 0.1],
  ['admin', '*', 'admin.example.com', '/**', 'users', 0.4, 7.7],
] as const

const UPSTREAMS = [
  ['catalogue', 4],
  ['images', 3],
  ['orders', 3],
  ['search', 2],
  ['users', 2],
] as const

/** The same number for the same seed, from 0 to 1. */
function noise(seed: number): number {
  const x = Math.sin(seed * 12.9898) * 43758.5453
  return x - Math.floor(x)
}

class Day {
  readonly #began = Date.now()
  /** Replies so far, by route. */
  readonly #totals: number[] = ROUTES.map(([, , , , , pace]) => pace * 9_000)
  readonly #endpoints = new Map<string, number>()
  /** s */
  #time = 0
  #lag = 0.3
  #cpu = 91_000

  /** A second passes. */
  tick(): void {
    this.#time++
    for (const [i, [, , , , , pace]] of ROUTES.entries()) this.#totals[i]! += pace * this.#tide(i)
    this.#lag = 0.6 + 0.9 * noise(this.#time * 7) + (noise(this.#time) > 0.93 ? 3.2 : 0)
    this.#cpu += 0.34 * this.#tide(3)
  }

  stats(): StatsReport {
    const routes = ROUTES.map(([name, , , , , , middle], i) => {
      const tide = this.#tide(i)
      const total = Math.round(this.#totals[i]!)
      const latency = {
        count: 900,
        p50: middle * tide,
        p90: middle * tide * 2.1,
        p99: middle * tide * (name === 'search' ? 11 : 4.3),
        p999: middle * 9,
        max: middle * 21,
      }
      const serverErrors = name === 'search' ? Math.round(total / 90) : 0
      const clientErrors = name === 'users' || name === 'sessions' ? Math.round(total / 40) : 0
      return { name, ...trafficStats(total, { latency, serverErrors, clientErrors, bytesOut: total * 3_900 }) }
    })
    const sum = (key: 'total' | 'clientErrors' | 'serverErrors' | 'bytesIn' | 'bytesOut'): number =>
      routes.reduce((all, route) => all + route[key], 0)
    const tide = this.#tide(1)
    return statsReport({
      time: this.#began + this.#time * 1_000,
      uptime: 352_800_000 + this.#time * 1_000,
      configuration: { version: 42, since: this.#began - 5_400_000, applied: 42, rejected: 1, lastError: null },
      requests: {
        total: sum('total'),
        clientErrors: sum('clientErrors'),
        serverErrors: sum('serverErrors'),
        bytesIn: sum('bytesIn'),
        bytesOut: sum('bytesOut'),
        latency: { count: 9_000, p50: 3.6 * tide, p90: 9.8 * tide, p99: 41 * tide * tide, p999: 120, max: 412 },
        inFlight: Math.round(38 * tide + 9 * noise(this.#time)),
      },
      routes: [...routes, { name: '', ...trafficStats(1_240 + this.#time, { latency: null }) }],
      upstreams: UPSTREAMS.map(([name]) => ({
        name,
        inFlight: 4,
        total: 10,
        failures: 0,
        latency: endpointLatency(13),
      })),
      connections: { clients: Math.round(190 * this.#tide(2)), upstreams: 84 },
      process: {
        cpu: this.#cpu,
        resident: (118 + 6 * noise(this.#time / 9)) * 1_048_576,
        heapUsed: (38 + 14 * ((this.#time % 24) / 24)) * 1_048_576,
        heapTotal: 64 << 20,
        external: 9 << 20,
        descriptors: 311,
        loopLag: { p50: 0.12, p99: this.#lag, max: this.#lag * 2.4 },
        gc: { pauses: 4_100, total: 9_800 + this.#time * 6, longest: 8.4 },
        exchanges: { active: 41, pooled: 512 },
      },
      logs: { written: 120_000 + this.#time * 480, dropped: 0, sampledOut: 11 },
      spans: { exported: 8_400 + this.#time * 48, dropped: 0 },
    })
  }

  upstreams(): readonly UpstreamReport[] {
    return UPSTREAMS.map(([name, size], n) =>
      upstreamReport({
        name,
        inFlight: 3 + Math.round(9 * noise(n + this.#time)),
        endpoints: Array.from({ length: size }, (_, i) => {
          const key = `${name} ${i}`
          const requests = (this.#endpoints.get(key) ?? 80_000) + 190 * this.#tide(n + i)
          this.#endpoints.set(key, requests)
          const bad = name === 'search' && i === 1
          return endpointReport({
            url: `http://10.0.${n + 1}.${i + 10}:8080`,
            zone: i % 2 === 0 ? 'eu-1a' : 'eu-1b',
            share: bad ? 0 : 1 / (name === 'search' ? 1 : size),
            healthy: !bad,
            warming: name === 'images' && i === 2,
            check: { healthy: !bad, checks: 900, failures: bad ? 12 : 0, lastError: bad ? 'status 503' : '' },
            inFlight: bad ? 0 : 1 + Math.round(3 * noise(i + n + this.#time)),
            connections: bad ? 0 : 8,
            requests: bad ? 71_400 : requests,
            latency: bad ? null : endpointLatency(6 + 7 * noise(n * 3 + i)),
          })
        }),
      }),
    )
  }

  /** How much traffic there is now, around 1. */
  #tide(seed: number): number {
    return 1 + 0.16 * Math.sin(this.#time / 19 + seed) + 0.07 * (noise(this.#time + seed * 31) - 0.5)
  }
}

const SLOW = [
  { path: '/search', route: 'search', upstream: 'search', place: 'awaiting-head', inPlace: 1_420, age: 2_840 },
  { path: '/images/banner.avif', route: 'images', upstream: 'images', place: 'client-slow', inPlace: null, age: 1_310 },
  {
    path: '/cart/88123/checkout',
    route: 'checkout',
    upstream: 'orders',
    place: 'plugin:forward-auth',
    inPlace: 630,
    age: 640,
  },
].map((exchange, i) => ({
  id: `01HF${i}Z9K3QW7T`,
  method: i === 2 ? 'POST' : 'GET',
  host: i === 1 ? 'cdn.example.com' : 'shop.example.com',
  client: `198.51.100.${17 + i}`,
  endpoint: `http://10.0.${i + 2}.10:8080`,
  tries: i === 0 ? 2 : 1,
  bytesIn: i === 2 ? 4_180 : 0,
  bytesOut: i === 1 ? 786_432 : 0,
  ...exchange,
}))

/** Sets up a stand-in; each call of the returned function lets a second pass. */
export function makeBusy({ reports }: AdminStandIn): () => void {
  const day = new Day()
  reports.stats = () => day.stats()
  reports.upstreams = () => day.upstreams()
  reports.exchanges = () => SLOW
  reports.routes = ROUTES.map(([name, method, host, path, upstream]) => ({
    name,
    host,
    methods: method === '*' ? [] : method.split(','),
    path,
    conditions: [],
    action: upstream === '' ? 'respond 200' : `upstream ${upstream}`,
  }))
  reports.snapshots = [
    { version: 42, since: Date.now() - 5_400_000, pins: 39, retired: false, routes: ROUTES.length },
    { version: 41, since: Date.now() - 86_400_000, pins: 2, retired: true, routes: ROUTES.length - 1 },
  ]
  reports.explain = (query) => ({
    request: { method: query.get('method'), host: 'api.example.com', path: '/users/7', search: '' },
    candidates: [
      { route: 'users', outcome: 'won', detail: '' },
      { route: 'admin', outcome: 'lost', detail: 'host is admin.example.com' },
    ],
    route: 'users',
    verdict: 200,
    allow: null,
    parameters: { id: '7' },
    plugins: [
      { plugin: 'request-id', order: 10, enabled: true, options: {}, from: ['plugins (gateway.yaml:12:3)'] },
      { plugin: 'rate-limit', order: 40, enabled: false, options: null, from: ['routes.users (gateway.yaml:61:16)'] },
    ],
    rewrite: { path: '/v2/users/{id}' },
    action: 'upstream users (http://10.0.5.10:8080, http://10.0.5.11:8080)',
  })
  return () => day.tick()
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const standIn = new AdminStandIn()
  setInterval(makeBusy(standIn), 1_000)
  await standIn.start()
  process.stdout.write(`${standIn.url}\n`)
}

function endpointLatency(p99: number): LatencyStats {
  return { count: 500, p50: p99 / 4, p90: p99 / 2, p99, p999: p99 * 1.3, max: p99 * 1.4 }
}
