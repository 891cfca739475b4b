// The requests that are under way, as the admin API tells them: each is brought to a place where it stays.
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { AdminClient, type Json } from '../lab/admin.ts'
import { ENGINES, GatewayProcess, type Engine } from '../lab/gateway.ts'
import { until } from '../lab/poll.ts'
import { RawClient } from '../lab/raw-client.ts'
import { refusingPort, startRawUpstream } from '../lab/upstreams.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'

const WAIT = `import { definePlugin, NEXT, Type } from 'sluice/plugin'
export default definePlugin({
  name: 'wait',
  phase: 'access',
  schema: Type.Object({}),
  compile: (_, host) => () => new Promise((resolve) => host.signal.addEventListener('abort', () => resolve(NEXT))),
})
`

async function start(test: TestContext, engine: Engine) {
  const upstream = await startRawUpstream(test, (socket, { head }) => {
    if (head.includes('/stream')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nsome')
    if (head.includes('/sink')) socket.pause()
    // Large enough for every buffer on the way.
    if (head.includes('/flood')) {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n')
      const flood = (): void => {
        while (socket.writable && socket.write(Buffer.alloc(256 * 1024))) continue
      }
      socket.on('drain', flood)
      flood()
    }
  })
  const other = await startRawUpstream(test, () => {})
  const endpoints = `endpoints: [{ url: '${upstream.url}' }]`
  const gateway = await GatewayProcess.start(
    test,
    `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${engine} }]
admin: { bind: '127.0.0.1:0' }
drainTimeout: 100ms
pluginDirectories: [./own]
plugins: { request-id: {} }
upstreams:
  u: { ${endpoints} }
  both: { endpoints: [{ url: '${upstream.url}' }, { url: '${other.url}' }], hedge: { after: 1ms, budget: 100% } }
  one: { ${endpoints}, connections: { max: 1 } }
  away: { endpoints: [{ url: 'http://127.0.0.1:${await refusingPort()}' }], outlier: { consecutive: 0 }, retries: { attempts: 10, budget: 100%, backoff: 1h, maxBackoff: 1h } }
routes:
  - { name: waiting, match: { path: /wait }, respond: {}, plugins: { wait: {} } }
  - { name: one, match: { path: /one/** }, upstream: one }
  - { name: both, match: { path: /both }, upstream: both }
  - { name: away, match: { path: /away }, upstream: away }
  - { name: u, match: { path: /** }, upstream: u, plugins: { mask: { regex: ['card-[0-9]+'], in: [log] } } }
`,
    { files: { 'own/wait.ts': WAIT } },
  )
  const admin = new AdminClient(gateway)
  return {
    admin,
    /** Sends a request on a connection of its own, and waits until it is in that place. */
    async send(request: string, place: string, body = ''): Promise<Json> {
      const before = (await admin.json('/admin/v1/exchanges?limit=1000'))['inFlight'] as number
      const client = await RawClient.connect(test, gateway.port('main'))
      client.socket.pause()
      const [line, ...fields] = request.split('\n')
      client.send(
        `${line} HTTP/1.1\r\nHost: shop.example\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n${body}`,
      )
      let seen: Json[] = []
      const isThere = async (): Promise<boolean> => {
        seen = (await admin.json('/admin/v1/exchanges?limit=1000'))['exchanges'] as Json[]
        return seen[before]?.['place'] === place
      }
      await until(isThere, place).catch((error: unknown) => {
        throw new Error(JSON.stringify(seen), { cause: error })
      })
      return seen[before]!
    },
  }
}

describe('requests under way', () => {
  for (const engine of ENGINES) {
    it(`are told with the place where each one is: ${engine}`, async (test) => {
      const laboratory = await start(test, engine)
      const { admin } = laboratory
      const send = (request: string, place: string, body = '') => laboratory.send(request, place, body)
      const waiting = await send(`GET /wait?secret=1\ntraceparent: 00-${TRACE}-00f067aa0ba902b7-01`, 'plugin:wait')
      assert.deepEqual(
        [waiting['method'], waiting['host'], waiting['path'], waiting['client'], waiting['route'], waiting['traceId']],
        ['GET', 'shop.example', '/wait', '127.0.0.1', 'waiting', TRACE],
      )
      assert.deepEqual([waiting['upstream'], waiting['endpoint'], waiting['tries']], ['', '', 0])
      assert.ok(waiting['inPlace'] <= waiting['age'] + 20 && waiting['age'] < 60_000)
      const head = await send('GET /head/card-4711?x=card-4711', 'awaiting-head')
      assert.deepEqual([head['path'], head['upstream'], head['tries'], head['traceId']], ['/head/***', 'u', 1, null])
      assert.match(head['endpoint'] as string, /^http:\/\/127\.0\.0\.1:\d+$/)
      assert.match(head['id'] as string, /^[\w-]{20}$/)
      const streaming = await send('GET /stream', 'streaming')
      assert.deepEqual([streaming['bytesOut'], typeof streaming['inPlace']], [4, 'number'])
      await send('GET /flood', 'client-slow')
      const upload = await send('POST /upload\nContent-Length: 10', 'receiving-body')
      assert.deepEqual([upload['bytesIn'], upload['inPlace']], [0, null])
      const sink = await send('POST /sink\nContent-Length: 100000000', 'sending-body', 'a'.repeat(20_000_000))
      assert.ok(sink['bytesIn'] <= 20_000_000)
      const hedged = await send('GET /both', 'hedged')
      assert.equal(hedged['tries'], 2)
      await send('GET /one/1', 'awaiting-head')
      await send('GET /one/2', 'queued')
      const retrying = await send('GET /away', 'retry-backoff')
      assert.ok(retrying['tries'] >= 1)

      const all = await admin.json('/admin/v1/exchanges')
      assert.deepEqual([all['inFlight'], all['complete'], all['exchanges'].length], [10, true, 10])
      const ages = all['exchanges'].map(({ age }: Json) => age as number)
      assert.deepEqual(
        ages,
        ages.toSorted((a: number, b: number) => b - a),
        'the oldest first',
      )
      assert.ok(!JSON.stringify(all).includes('4711') && !JSON.stringify(all).includes('secret'))
      const some = await admin.json('/admin/v1/exchanges?limit=2&route=u')
      assert.deepEqual(
        some['exchanges'].map(({ path }: Json) => path as string),
        ['/head/***', '/stream'],
      )
      assert.equal((await admin.json('/admin/v1/exchanges?slow=1h'))['exchanges'].length, 0)
      const slow = (await admin.json(`/admin/v1/exchanges?slow=${Math.floor(ages[1])}ms`))['exchanges']
      assert.ok(slow.length >= 2)
    })
  }
})
