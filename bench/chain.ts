// What a chain of plugins adds to a proxied request: request-id, jwt (a token that is known), rate-limit and headers, beside a
// gateway without plugins, interleaved. CPU from the process, heap from the collector's accounting in a round of its own.
//   scripts/bench chain [--rounds N] [--seconds S]
import { createHmac } from 'node:crypto'
import { parseArgs } from 'node:util'
import { Gateway } from './lab.ts'
import { heapPerRequest } from './road/heap.ts'
import { parseLoad, wrk, type Load } from './road/load.ts'
import { HEAP_PROBE, LOAD_CORE, PINNED, startUpstream } from './road/peers.ts'
import { median, spread } from './road/report.ts'

const SECRET = '0123456789abcdef0123456789abcdef'
const HOUR = 3600

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '9' }, seconds: { type: 'string', default: '2' } },
})

const CHAINS = {
  'no plugins': '',
  'request-id': 'request-id: {}',
  jwt: `jwt: { algorithms: [HS256], issuer: bench, audience: bench, keys: { secret: '${SECRET}' } }`,
  'rate-limit': 'rate-limit: { rate: 1000000/s, key: client-ip }',
  headers: 'headers: { request: { set: { x-team: a } }, response: { set: { x-frame-options: DENY } } }',
}
const all = Object.values(CHAINS).filter((plugin) => plugin !== '')

function token(): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const now = Math.floor(Date.now() / 1000)
  const claims = { iss: 'bench', aud: 'bench', sub: 'somebody', scope: 'read write', iat: now, exp: now + HOUR }
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`
  return `${signed}.${createHmac('sha256', SECRET).update(signed).digest('base64url')}`
}

const upstream = await startUpstream()
const load: Load = { ...parseLoad('69/64/bare'), token: token() }
const sides = await Promise.all(
  [...Object.entries(CHAINS), ['all four', all.join(', ')] as const].map(async ([name, plugins]) => ({
    name,
    cpu: [] as number[],
    heap: 0,
    gateway: await Gateway.start(
      `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0' }]
plugins: { ${plugins} }
upstreams: { up: { endpoints: [{ url: 'http://127.0.0.1:${upstream.port}' }] } }
routes: [{ name: all, upstream: up }]
`,
      { prefix: PINNED, flags: ['--import', HEAP_PROBE] },
    ),
  })),
)
const once = (gateway: Gateway) =>
  wrk(`http://127.0.0.1:${gateway.port('main')}`, load, Number(values.seconds), LOAD_CORE)
for (let round = -1; round < Number(values.rounds); round++) {
  for (const { gateway, cpu } of sides) {
    const before = await gateway.cpu()
    const { requests } = await once(gateway)
    if (round >= 0) cpu.push(((await gateway.cpu()) - before) / requests)
  }
}
for (const side of sides) side.heap = await heapPerRequest(side.gateway, () => once(side.gateway))
const bare = sides[0]!
for (const { name, cpu, heap } of sides) {
  const added = cpu.map((value, i) => value - bare.cpu[i]!)
  console.log(
    `${name}: ${spread(cpu, 1)} us, adds ${spread(added, 2)}; ${heap.toFixed(0)} B, adds ${(heap - bare.heap).toFixed(0)}` +
      (name === 'all four'
        ? ` (budget 4 us${median(added) > 4 ? ': OVER' : ''}, 400 B${heap - bare.heap > 400 ? ': OVER' : ''})`
        : ''),
  )
}
await Promise.all([...sides.map(({ gateway }) => gateway.stop()), upstream.process.stop()])
