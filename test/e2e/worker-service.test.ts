// What several workers do as one gateway: drain, rotate logs, limit, and refuse what they cannot share.
import assert from 'node:assert/strict'
import { readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { GatewayProcess } from '../lab/gateway.ts'
import { until } from '../lab/poll.ts'
import { RawClient } from '../lab/raw-client.ts'
import { startHttpUpstream } from '../lab/upstreams.ts'

function connect(test: TestContext, gateway: GatewayProcess, count: number): Promise<RawClient[]> {
  return Promise.all(Array.from({ length: count }, () => RawClient.connect(test, gateway.port('public'))))
}

describe('a gateway of several workers', () => {
  it('finishes what it can when it stops, and counts what it cuts off everywhere', async (test) => {
    let waiting = 0
    const app = await startHttpUpstream(test, (request, response) => {
      if (request.url === '/slow') setTimeout(() => response.end('late'), 300)
      else waiting++
    })
    const gateway = await GatewayProcess.start(
      test,
      `version: 1
workers: 2
drainTimeout: 2s
listeners: [{ name: public, bind: "127.0.0.1:0" }]
upstreams: { app: { endpoints: [{ url: "${app.url}" }] } }
routes: [{ name: all, match: { path: /** }, upstream: app }]
`,
    )
    const clients = await connect(test, gateway, 12)
    for (const client of clients) client.send('GET /never HTTP/1.1\r\nHost: a\r\n\r\n')
    await until(() => waiting === 12, 'the requests')
    const slow = await connect(test, gateway, 6)
    const replies = slow.map((client) => client.get('/slow'))
    await new Promise((resolve) => setImmediate(resolve))
    await Promise.all((await connect(test, gateway, 4)).map((client) => client.get('/slow')))
    assert.equal(await gateway.stop(), 0)
    for (const reply of await Promise.all(replies)) assert.equal(reply.body.toString(), 'late')
    assert.equal(gateway.logs.findLast(({ msg }) => msg === 'stopped')?.['cut'], 12)
  })

  it('opens log files anew in every process', async (test) => {
    const gateway = await GatewayProcess.start(
      test,
      `version: 1
workers: 2
listeners: [{ name: public, bind: "127.0.0.1:0" }]
plugins: { access-log: { destination: "\${LOG_DIRECTORY:-/nowhere}/access.log" } }
routes: [{ name: all, match: { path: /** }, respond: { body: ok } }]
`.replace('${LOG_DIRECTORY:-/nowhere}', '/tmp/sluice-test-logs-${RUN}'),
      { env: { RUN: String(process.pid) } },
    )
    const directory = `/tmp/sluice-test-logs-${process.pid}`
    test.after(() => import('node:fs/promises').then(({ rm }) => rm(directory, { recursive: true, force: true })))
    const [file, old] = [join(directory, 'access.log'), join(directory, 'access.log.1')]
    const workersIn = async (path: string): Promise<Set<unknown>> => {
      const lines = (await readFile(path, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '')
      return new Set(lines.map((line) => (JSON.parse(line) as Record<string, unknown>)['worker']))
    }
    const ask = async (): Promise<void> => {
      for (const client of await connect(test, gateway, 20)) await client.get('/')
    }
    await ask()
    await until(async () => (await workersIn(file)).size === 2, 'lines of both workers')
    await rename(file, old)
    gateway.signal('SIGUSR1')
    await until(async () => {
      await ask()
      return (await workersIn(file)).size === 2
    }, 'lines of both workers in the new file')
  })

  it('is replaced whole by the next generation, and no request fails', async (test) => {
    const gateway = await GatewayProcess.start(
      test,
      `version: 1
workers: 2
listeners: [{ name: public, bind: "127.0.0.1:0" }]
routes: [{ name: all, match: { path: /** }, respond: { body: ok } }]
`,
    )
    const port = gateway.port('public')
    const stopping = new AbortController()
    let served = 0
    const asking = Array.from({ length: 4 }, async () => {
      while (!stopping.signal.aborted) {
        const client = await RawClient.connect(test, port)
        assert.equal((await client.get('/')).status, 200)
        client.socket.destroy()
        served++
      }
    })
    gateway.signal('SIGUSR2')
    await until(() => gateway.logs.filter(({ msg }) => msg === 'ready').length === 2, 'the next generation')
    const before = served
    await until(() => served > before + 50, 'requests to the next generation')
    stopping.abort()
    await Promise.all(asking)
    assert.equal(gateway.port('public'), port)
  })

  it('limits in every worker for itself', async (test) => {
    const gateway = await GatewayProcess.start(
      test,
      `version: 1
workers: 2
listeners: [{ name: public, bind: "127.0.0.1:0" }]
plugins: { rate-limit: { algorithm: fixed-window, limit: 5, window: 24h } }
routes: [{ name: all, match: { path: /** }, respond: { body: ok } }]
`,
    )
    let admitted = 0
    for (const client of await connect(test, gateway, 40)) {
      for (let i = 0; i < 3; i++) if ((await client.get('/')).status === 200) admitted++
    }
    assert.equal(admitted, 10)
  })

  it('is not started where a listener cannot be shared', async (test) => {
    const start = GatewayProcess.start(
      test,
      'version: 1\nworkers: auto\nlisteners: [{ name: public, bind: "unix:/tmp/a.sock" }]\nroutes: []\n',
    )
    await assert.rejects(start, /gateway\.yaml:3:\d+ listeners\[0\]\.bind: .*workers: 1/)
  })

  it('says why it does not start when a worker cannot have an address', async (test) => {
    const app = await startHttpUpstream(test, (_request, response) => response.end())
    const port = new URL(app.url).port
    const start = GatewayProcess.start(
      test,
      `version: 1\nworkers: 2\nlisteners: [{ name: public, bind: "127.0.0.1:${port}" }]\nroutes: []\n`,
    )
    await assert.rejects(start, new RegExp(`cannot listen on 127.0.0.1:${port}`))
  })
})
