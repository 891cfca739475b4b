// The rate-limit plugin: what each algorithm admits, whose requests count together, what a reload keeps, and a real Redis that is
// shared, killed, frozen and full. Limits are so low, or so high, that the time which a test takes does not matter.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { ENGINES, GatewayProcess, type Engine } from '../lab/gateway.ts'
import { RawClient, type RawResponse } from '../lab/raw-client.ts'
import { RedisServer } from '../lab/redis.ts'

const MAIN = new URL('../../src/cli/main.ts', import.meta.url).pathname

function configuration(engine: Engine, limits: string, body = 'ok'): string {
  return `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${engine} }]
routes:
  - { name: limited, match: { path: /limited }, respond: { body: '${body}' }, plugins: { rate-limit: ${limits} } }
  - { name: other, match: { path: /other }, respond: { body: '${body}' }, plugins: { rate-limit: ${limits} } }
  - { name: free, respond: { body: '${body}' } }
`
}

async function start(test: TestContext, engine: Engine, limits: string) {
  const gateway = await GatewayProcess.start(test, configuration(engine, limits))
  return { gateway, client: await RawClient.connect(test, gateway.port('main')) }
}

async function statuses(client: RawClient, count: number, extra = ''): Promise<string> {
  const seen: number[] = []
  for (let i = 0; i < count; i++) seen.push((await client.get('/limited', extra)).status)
  return seen.join(' ')
}

function code(response: RawResponse): string {
  return (JSON.parse(response.body.toString()) as { code: string }).code
}

for (const engine of ENGINES) {
  describe(`rate-limit on ${engine}`, () => {
    for (const [what, limits] of [
      ['token-bucket', '{ rate: 1/h, burst: 3 }'],
      ['leaky-bucket', '{ algorithm: leaky-bucket, rate: 1/h, burst: 3 }'],
      ['fixed-window', '{ algorithm: fixed-window, limit: 3, window: 1000h }'],
      ['sliding-window', '{ algorithm: sliding-window, limit: 3, window: 1000h }'],
    ] as const) {
      it(`${what} admits three and refuses the fourth`, async (test) => {
        const { client } = await start(test, engine, limits)
        assert.equal(await statuses(client, 3), '200 200 200')
        const refused = await client.get('/limited')
        assert.deepEqual([refused.status, code(refused)], [429, 'SLUICE_LIMIT_RATE'])
        assert.ok(Number(refused.header('retry-after')) >= 1)
        assert.match(refused.header('ratelimit'), /^"1";r=0;t=\d+$/)
        assert.match(refused.header('ratelimit-policy'), /^"1";q=3;w=\d+$/)
        assert.equal((await client.get('/')).status, 200)
      })
    }

    it('tells what is left, unless it must not', async (test) => {
      const { client } = await start(test, engine, '{ rate: 1/h, burst: 3 }')
      assert.match((await client.get('/limited')).header('ratelimit'), /^"1";r=2;t=3600$/)
      const silent = await start(test, engine, '{ rate: 1/h, burst: 3, headers: false }')
      const response = await silent.client.get('/limited')
      assert.deepEqual([response.header('ratelimit'), response.header('ratelimit-policy')], ['', ''])
    })

    it('counts by header, and requests without it together', async (test) => {
      const { client } = await start(test, engine, '{ rate: 1/h, burst: 1, key: "header:x-team" }')
      assert.equal(await statuses(client, 2, 'X-Team: a\r\n'), '200 429')
      assert.equal(await statuses(client, 2, 'X-Team: b\r\n'), '200 429')
      assert.equal(await statuses(client, 2), '200 429')
    })

    it('counts by a list, route and address', async (test) => {
      const { client, gateway } = await start(test, engine, '{ rate: 1/h, burst: 1, key: [client-ip, route] }')
      assert.equal(await statuses(client, 2), '200 429')
      // Equal options are one limit, wherever they stand: only the key tells the routes apart.
      assert.equal((await client.get('/other')).status, 200)
      const neighbour = await RawClient.connect(test, gateway.port('main'), '127.0.0.9')
      assert.equal(await statuses(neighbour, 2), '200 429')
    })

    it('takes nothing of one limit when another refuses', async (test) => {
      const { client } = await start(
        test,
        engine,
        `{ limits: [{ rate: 1/h, burst: 3, key: "header:x-a" }, { rate: 1/h, burst: 1, key: "header:x-b" }] }`,
      )
      assert.equal(await statuses(client, 3, 'X-A: 1\r\nX-B: 1\r\n'), '200 429 429')
      assert.equal(await statuses(client, 2, 'X-A: 1\r\nX-B: 2\r\n'), '200 429')
      assert.equal(await statuses(client, 2, 'X-A: 1\r\nX-B: 3\r\n'), '200 429')
      assert.equal(await statuses(client, 1, 'X-A: 1\r\nX-B: 4\r\n'), '429')
    })

    it('a leaky bucket holds requests back, in order, and refuses what would wait too long', async (test) => {
      const { gateway } = await start(test, engine, '{ algorithm: leaky-bucket, rate: 20/s, maxWait: 220ms }')
      const answers = await Promise.all(
        Array.from(
          { length: 12 },
          async () => (await (await RawClient.connect(test, gateway.port('main'))).get('/limited')).status,
        ),
      )
      const admitted = answers.filter((status) => status === 200).length
      // One at once and four in the 220 ms that follow; more if the requests themselves took long to come.
      assert.ok(admitted >= 5, `${admitted} admitted`)
      assert.ok(answers.every((status) => status === 200 || status === 429))
    })

    it('tells what it decides, and who is refused most', async (test) => {
      const gateway = await GatewayProcess.start(
        test,
        `${configuration(engine, '{ rate: 1/h, burst: 2, key: "header:x-key", name: tokens }')}admin: { bind: '127.0.0.1:0' }`,
      )
      const client = await RawClient.connect(test, gateway.port('main'))
      assert.equal(await statuses(client, 5, 'X-Key: secret-key\r\n'), '200 200 429 429 429')
      const metrics = (await (await RawClient.connect(test, gateway.port('admin'))).get('/metrics')).body.toString()
      assert.match(metrics, /^sluice_ratelimit_decisions_total\{name="tokens",decision="admitted"\} 2$/m)
      assert.match(metrics, /^sluice_ratelimit_decisions_total\{name="tokens",decision="refused"\} 3$/m)
      assert.match(metrics, /^sluice_ratelimit_hot_keys\{limit="tokens#1",key="[0-9a-f]{12}"\} 3$/m)
      assert.ok(!metrics.includes('secret-key'))
    })

    it('keeps what it has counted when a reload changes the amounts', async (test) => {
      const { gateway, client } = await start(test, engine, '{ rate: 1/h, burst: 3 }')
      assert.equal(await statuses(client, 4), '200 200 200 429')
      await gateway.configure(configuration(engine, '{ rate: 1/h, burst: 5 }', 'changed'))
      await gateway.waitForLog(({ msg }) => msg === 'configuration reloaded')
      assert.equal(await statuses(client, 3), '200 200 429')
      await gateway.configure(configuration(engine, '{ rate: 1/h, burst: 2 }', 'again'))
      await gateway.waitForLog(({ msg, version }) => msg === 'configuration reloaded' && version === 3)
      assert.equal(await statuses(client, 1), '429')
    })
  })
}

describe('rate-limit options', () => {
  for (const [options, problem] of [
    ['{}', /token-bucket needs a rate/],
    ['{ rate: 1/s, window: 1s }', /limit and window are of the windows/],
    ['{ rate: 1/s, maxWait: 1s }', /only a leaky-bucket/],
    ['{ algorithm: leaky-bucket, rate: 1/s, maxWait: 1m }', /at most 9s/],
    ['{ algorithm: fixed-window, limit: 1 }', /needs a limit and a window/],
    ['{ algorithm: sliding-window, rate: 1/s }', /rate, burst and maxWait are of the buckets/],
    ['{ rate: 1/s, key: ip }', /"ip" is none of client-ip/],
    ['{ rate: 1/s, key: "header:a b" }', /is none of client-ip/],
    ['{ rate: 1/s, limits: [{ rate: 1/s }] }', /stands instead of/],
    ['{ rate: 1/s, redis: "http://localhost" }', /redis/],
  ] as const) {
    it(`${options} is refused`, async (test) => {
      await assert.rejects(GatewayProcess.start(test, configuration('uws', options)), problem)
    })
  }
})

describe('rate-limit with Redis', () => {
  const limits = (redis: RedisServer, onError = 'closed'): string =>
    `{ algorithm: fixed-window, limit: 100, window: 1000h, redis: '${redis.url}', onError: ${onError} }`

  /** Asks until the status comes. */
  async function until(client: RawClient, status: number): Promise<RawResponse> {
    const end = performance.now() + 15_000
    for (;;) {
      const response = await client.get('/limited')
      if (response.status === status) return response
      assert.ok(performance.now() < end, `still ${response.status}`)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  it('is not asked when a configuration is only checked', async (test) => {
    const directory = await mkdtemp(join(tmpdir(), 'sluice-check-'))
    test.after(() => rm(directory, { recursive: true, force: true }))
    const file = join(directory, 'gateway.yaml')
    await writeFile(file, configuration('uws', "{ rate: 1/s, redis: 'redis://127.0.0.1:1' }"))
    // It ends by itself: nothing tries to connect for ever.
    await promisify(execFile)(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, 'check', file])
  })

  it('is one limit for three gateways', async (test) => {
    const redis = await RedisServer.start(test)
    const gateways = await Promise.all(
      ENGINES.concat('uws').map((engine) => GatewayProcess.start(test, configuration(engine, limits(redis)))),
    )
    const counts = await Promise.all(
      gateways.flatMap((gateway) =>
        Array.from({ length: 4 }, async () => {
          const client = await RawClient.connect(test, gateway.port('main'))
          const seen = (await statuses(client, 20)).split(' ')
          assert.ok(
            seen.every((status) => status === '200' || status === '429'),
            seen.join(' '),
          )
          return seen.filter((status) => status === '200').length
        }),
      ),
    )
    // So slow a limit gives leases of one event: nothing is admitted beyond it, and nothing is lost.
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      100,
    )
  })

  for (const algorithm of ['token-bucket', 'leaky-bucket', 'sliding-window'] as const) {
    it(`${algorithm} admits three and refuses the fourth`, async (test) => {
      const redis = await RedisServer.start(test)
      const amounts = algorithm === 'sliding-window' ? 'limit: 3, window: 1000h' : 'rate: 1/h, burst: 3, key: route'
      const gateway = await GatewayProcess.start(
        test,
        configuration('uws', `{ algorithm: ${algorithm}, ${amounts}, redis: '${redis.url}' }`),
      )
      const client = await RawClient.connect(test, gateway.port('main'))
      assert.equal(await statuses(client, 4), '200 200 200 429')
      const refused = await client.get('/limited')
      assert.match(refused.header('ratelimit'), /^"1";r=0;t=\d+$/)
      assert.ok(Number(refused.header('retry-after')) >= 1)
    })
  }

  for (const [onError, status] of [
    ['open', 200],
    ['closed', 503],
  ] as const) {
    it(`killed, frozen and full, under load: ${onError}`, async (test) => {
      const redis = await RedisServer.start(test)
      const high = `{ rate: 1000000/s, redis: '${redis.url}', onError: ${onError} }`
      const gateway = await GatewayProcess.start(test, configuration('uws', high))
      const load = { running: true }
      const clients = Array.from({ length: 4 }, async () => {
        const each = await RawClient.connect(test, gateway.port('main'))
        while (load.running) {
          const response = await each.get('/limited')
          assert.ok(
            response.status === 200 || (response.status === status && code(response) === 'SLUICE_LIMIT_UNAVAILABLE'),
          )
        }
      })
      const client = await RawClient.connect(test, gateway.port('main'))
      const away = async (): Promise<void> => {
        await gateway.waitForNext(({ msg }) => msg === 'Redis is away: shared limits go by their onError')
        await until(client, status)
      }
      const back = async (): Promise<void> => {
        await gateway.waitForNext(({ msg }) => msg === 'Redis is back: shared limits hold again')
        await until(client, 200)
      }
      await until(client, 200)

      await redis.kill()
      await away()
      await redis.run()
      await back()

      redis.freeze()
      await away()
      redis.thaw()
      await back()

      await redis.command('CONFIG', 'SET', 'maxmemory', '1')
      await away()
      await redis.command('CONFIG', 'SET', 'maxmemory', '0')
      await back()

      load.running = false
      await Promise.all(clients)
    })
  }
})
