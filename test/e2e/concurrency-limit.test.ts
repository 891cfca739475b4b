// The concurrency-limit plugin: who runs, who waits, who is refused, and that a place is given back whatever happens.
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { ServerResponse } from 'node:http'
import { ENGINES, GatewayProcess, type Engine } from '../lab/gateway.ts'
import { RawClient } from '../lab/raw-client.ts'
import { startHttpUpstream } from '../lab/upstreams.ts'

async function laboratory(test: TestContext, engine: Engine, options: string) {
  /** Replies that the test has not given yet. */
  const due: ServerResponse[] = []
  const upstream = await startHttpUpstream(test, (_, response) => {
    due.push(response)
    upstream.wake()
  })
  const gateway = await GatewayProcess.start(
    test,
    `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${engine} }]
upstreams: { up: { endpoints: [{ url: '${upstream.url}' }] } }
routes: [{ name: all, upstream: up, plugins: { concurrency-limit: ${options} } }]`,
  )
  const ask = async (extra = ''): Promise<RawClient> => {
    const client = await RawClient.connect(test, gateway.port('main'))
    client.send(`GET / HTTP/1.1\r\nHost: h\r\n${extra}\r\n`)
    return client
  }
  const running = (count: number): Promise<void> => upstream.until(() => due.length === count, `${count} requests`)
  return { gateway, upstream, due, ask, running }
}

for (const engine of ENGINES) {
  describe(`concurrency-limit on ${engine}`, () => {
    it('refuses what is beyond, and lets the next in when one ends', async (test) => {
      const { due, ask, running } = await laboratory(test, engine, '{ max: 2 }')
      const first = [await ask(), await ask()]
      await running(2)
      const refused = await (await ask()).response()
      assert.deepEqual([refused.status, refused.header('retry-after')], [429, '1'])
      assert.match(refused.body.toString(), /SLUICE_LIMIT_CONCURRENCY/)
      due.shift()!.end('one')
      due.shift()!.end('two')
      for (const client of first) assert.equal((await client.response()).status, 200)
      await ask()
      await running(1)
    })

    it('lets some wait their turn', async (test) => {
      const { due, ask, running } = await laboratory(test, engine, '{ max: 1, queue: 1, maxWait: 9s }')
      const first = await ask()
      await running(1)
      // Of two, one waits and one is refused.
      const others = [await ask(), await ask()]
      const early = await Promise.race(others.map((client) => client.response()))
      assert.equal(early.status, 429)
      due.shift()!.end('first')
      assert.equal((await first.response()).body.toString(), 'first')
      await running(1)
      due.shift()!.end('second')
    })

    it('refuses those that have waited long enough', async (test) => {
      const { ask, running } = await laboratory(test, engine, '{ max: 1, queue: 5, maxWait: 10ms }')
      await ask()
      await running(1)
      assert.equal((await (await ask()).response()).status, 429)
    })

    it('gets the place back from a client that leaves, while it runs and while it waits', async (test) => {
      const { due, ask, running } = await laboratory(test, engine, '{ max: 1, queue: 1, maxWait: 9s }')
      const leaves = await ask()
      await running(1)
      const waits = await ask()
      const third = async (): Promise<number> => (await (await ask()).response()).status
      while ((await third()) !== 429); // until the second waits, these would wait in its place
      waits.socket.destroy()
      leaves.socket.destroy()
      due.length = 0
      const next = await ask()
      await running(1)
      due.shift()!.end('served')
      assert.equal((await next.response()).body.toString(), 'served')
    })

    it('counts by key', async (test) => {
      const { ask, running } = await laboratory(test, engine, '{ max: 1, key: "header:x-team" }')
      await ask('X-Team: a\r\n')
      await ask('X-Team: b\r\n')
      await running(2)
      assert.equal((await (await ask('X-Team: a\r\n')).response()).status, 429)
    })
  })
}
