// What may be asked of, and changed in, a gateway of several workers: as if it were one process.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, it, type TestContext } from 'node:test'
import { GatewayProcess } from '../lab/gateway.ts'
import { until } from '../lab/poll.ts'

type Json = Record<string, any>

const YAML = `version: 1
workers: 2
listeners: [{ name: main, bind: '127.0.0.1:0' }]
admin: { bind: '127.0.0.1:0' }
routes:
  - name: page # what the page says
    match: { path: /page }
    respond: { body: first }
`

class Supervised {
  readonly gateway: GatewayProcess

  private constructor(gateway: GatewayProcess) {
    this.gateway = gateway
  }

  static async start(test: TestContext): Promise<Supervised> {
    return new Supervised(await GatewayProcess.start(test, YAML))
  }

  async ask(path: string, init: RequestInit = {}): Promise<{ status: number; json: Json }> {
    const response = await fetch(`http://127.0.0.1:${this.gateway.port('admin')}${path}`, init)
    const text = await response.text()
    return { status: response.status, json: text.startsWith('{') ? (JSON.parse(text) as Json) : { text } }
  }

  change(path: string, method: string, version: string, body: object | null = null) {
    const headers = { 'if-match': version, 'content-type': 'application/json', 'sluice-author': 'alice' }
    return this.ask(path, { method, headers, ...(body === null ? {} : { body: JSON.stringify(body) }) })
  }

  /** What new connections are told; there are enough of them for both workers. */
  async pages(): Promise<Set<string>> {
    const all = Array.from({ length: 20 }, async () => {
      const headers = { connection: 'close' }
      return (await fetch(`http://127.0.0.1:${this.gateway.port('main')}/page`, { headers })).text()
    })
    return new Set(await Promise.all(all))
  }
}

describe('a gateway of two workers', () => {
  it('is changed through its admin listener, in all workers, and back', async (test) => {
    const supervised = await Supervised.start(test)
    const { gateway } = supervised
    const patched = await supervised.change('/admin/v1/routes/page', 'PATCH', '"1"', { respond: { body: 'second' } })
    assert.equal(patched.status, 200)
    assert.equal(patched.json['version'], 2)
    assert.deepEqual(await supervised.pages(), new Set(['second']))
    assert.match(await readFile(gateway.file, 'utf8'), /name: page # what the page says\n(.*\n)*.*body: second/)
    const stale = await supervised.change('/admin/v1/routes/page', 'PATCH', '"1"', { respond: { body: 'third' } })
    assert.equal(stale.status, 412)
    const { json: told } = await supervised.ask('/admin/v1/snapshots/2')
    assert.deepEqual(told['changes'], [
      { key: 'routes/page', path: 'respond.body', kind: 'changed', before: 'first', after: 'second' },
    ])
    const back = await supervised.change('/admin/v1/snapshots/1/activate', 'POST', '"2"')
    assert.deepEqual([back.status, back.json['version']], [200, 3])
    assert.deepEqual(await supervised.pages(), new Set(['first']))
    const { json: list } = await supervised.ask('/admin/v1/snapshots')
    const rows = (list['snapshots'] as Json[]).map(({ version, author, serving }) => [version, author, serving])
    assert.deepEqual(rows, [
      [3, 'alice', true],
      [2, 'alice', false],
      [1, '', false],
    ])
    const { json: audit } = await supervised.ask('/admin/v1/audit')
    const results = (audit['entries'] as Json[]).map(({ action, result }) => `${action} ${result}`)
    assert.deepEqual(results.toReversed(), [
      'route.patch begun',
      'route.patch done',
      'route.patch begun',
      'route.patch refused',
      'snapshot.activate begun',
      'snapshot.activate done',
    ])
  })

  it('refuses what cannot serve, and says where', async (test) => {
    const supervised = await Supervised.start(test)
    const refused = await supervised.change('/admin/v1/routes/page', 'PATCH', '*', { upstream: 'nobody' })
    assert.equal(refused.status, 422)
    assert.match(JSON.stringify(refused.json['problems']), /there is no upstream \\"nobody\\"/)
    assert.deepEqual(await supervised.pages(), new Set(['first']))
    assert.equal(await readFile(supervised.gateway.file, 'utf8'), YAML)
  })

  it('tells of all workers at once, and ends when it is drained', async (test) => {
    const supervised = await Supervised.start(test)
    const { gateway } = supervised
    for (const path of ['/livez', '/readyz', '/', '/admin/v1/config', '/admin/v1/routes', '/admin/v1/plugins'])
      assert.equal((await supervised.ask(path)).status, 200, path)
    await supervised.pages()
    const { json: workers } = await supervised.ask('/admin/v1/workers')
    assert.deepEqual(
      (workers['workers'] as Json[]).map(({ number, state, version }) => [number, state, version]),
      [
        [1, 'ready', 1],
        [2, 'ready', 1],
      ],
    )
    const { json: stats } = await supervised.ask('/admin/v1/stats')
    assert.equal(stats['requests'].total, 20)
    const { json: metrics } = await supervised.ask('/metrics')
    assert.match(metrics['text'] as string, /^sluice_http_requests_total\{route="page",method="GET",code="200"\} 20$/m)
    assert.match(metrics['text'] as string, /^sluice_config_version 1$/m)
    const pids = (workers['workers'] as Json[]).map(({ pid }) => pid as number)
    assert.equal((await supervised.ask('/admin/v1/drain', { method: 'POST' })).status, 202)
    await until(() => !gateway.running, 'the end')
    assert.equal(gateway.exitCode, 0)
    for (const pid of pids) assert.throws(() => process.kill(pid, 0), /ESRCH/)
  })
})
