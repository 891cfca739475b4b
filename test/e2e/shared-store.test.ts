// Gateways that follow a configuration in a real etcd: what is committed serves, whole; what is bad stays as it was; etcd may go.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { EtcdServer } from '../lab/etcd.ts'
import { GatewayProcess } from '../lab/gateway.ts'
import { until } from '../lab/poll.ts'

const PREFIX = '/sluice/edge'
const MAIN = new URL('../../src/cli/main.ts', import.meta.url).pathname

function encoded(text: string): string {
  return Buffer.from(text).toString('base64')
}

/** All in one transaction, the marker last. */
async function commit(etcd: EtcdServer, items: Readonly<Record<string, string>>, marker = 'by hand'): Promise<void> {
  const puts = Object.entries({ ...items, commit: marker }).map(([key, value]) => ({
    request_put: { key: encoded(`${PREFIX}/${key}`), value: encoded(value) },
  }))
  await etcd.call('kv/txn', { success: puts })
}

async function put(etcd: EtcdServer, key: string, value: string): Promise<void> {
  await etcd.call('kv/put', { key: encoded(`${PREFIX}/${key}`), value: encoded(value) })
}

async function read(etcd: EtcdServer, key: string): Promise<string | null> {
  const { kvs = [] } = await etcd.call<{ kvs?: readonly { readonly value: string }[] }>('kv/range', {
    key: encoded(`${PREFIX}/${key}`),
  })
  return kvs[0] === undefined ? null : Buffer.from(kvs[0].value, 'base64').toString()
}

function page(body: string): string {
  return `match: { path: /page }\nrespond: { body: ${body} } # what it says\n`
}

function yaml(etcd: EtcdServer, instance: string, more = ''): string {
  return `version: 1
instance: ${instance}
zone: a
listeners: [{ name: main, bind: '127.0.0.1:0' }]
admin: { bind: '127.0.0.1:0' }
control: { directory: state, etcd: { hosts: ['${etcd.url}'], prefix: ${PREFIX} } }
${more}`
}

async function says(gateway: GatewayProcess, path = '/page'): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${gateway.port('main')}${path}`)
  return response.status === 200 ? response.text() : `${response.status}`
}

async function becomes(gateway: GatewayProcess, text: string, path = '/page'): Promise<void> {
  await until(async () => (await says(gateway, path)) === text, `${path} to say ${text}`)
}

async function status(
  etcd: EtcdServer,
  instance: string,
): Promise<{ state: string; version: number; errors: string[] }> {
  await until(async () => (await read(etcd, `status/${instance}`)) !== null, 'a status')
  return JSON.parse((await read(etcd, `status/${instance}`))!) as never
}

/** A file that outlives the gateways which use it. */
async function place(test: TestContext, text: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-shared-'))
  // A gateway that is still there may write into it meanwhile.
  test.after(() => rm(directory, { recursive: true, force: true, maxRetries: 20 }))
  const file = join(directory, 'gateway.yaml')
  await writeFile(file, text)
  return file
}

describe('a gateway that follows etcd', () => {
  it('serves what is committed, and nothing else', async (test) => {
    const etcd = await EtcdServer.start(test)
    const gateway = await GatewayProcess.start(test, yaml(etcd, 'one'))
    assert.equal(await says(gateway), '404')
    await put(etcd, 'routes/page', page('uncommitted'))
    await commit(etcd, { 'routes/other': 'match: { path: /other }\nrespond: { body: yes }\n' })
    await becomes(gateway, 'yes', '/other')
    // A marker closes all that lies before it.
    assert.equal(await says(gateway), 'uncommitted')
    await put(etcd, 'routes/page', page('later'))
    await gateway.waitForLog(({ msg }) => msg?.startsWith('changes in etcd are not committed') === true)
    assert.equal(await says(gateway), 'uncommitted')
    await commit(etcd, {})
    await becomes(gateway, 'later')
  })

  it('keeps the last good form of a bad item, also over a restart, and tells the fleet', async (test) => {
    const etcd = await EtcdServer.start(test)
    await commit(etcd, { 'routes/page': page('good'), 'routes/other': page('other').replace('/page', '/other') })
    const file = await place(test, yaml(etcd, 'one'))
    const first = await GatewayProcess.start(test, '', { at: file })
    await becomes(first, 'good')
    await commit(etcd, {
      'routes/page': 'match: { pth: /page }\n',
      'routes/other': 'match: { path: /other }\nrespond: { body: changed }\n',
    })
    await becomes(first, 'changed', '/other')
    assert.equal(await says(first), 'good')
    await until(async () => (await status(etcd, 'one')).state === 'rejected', 'the status')
    assert.match(
      (await status(etcd, 'one')).errors.join('\n'),
      /etcd:\/sluice\/edge\/routes\/page:1:10 .*did you mean "path"/,
    )
    assert.equal(await first.stop(), 0)
    assert.equal(await read(etcd, 'status/one'), null, 'withdrawn')
    assert.equal(await read(etcd, 'instances/one'), null, 'withdrawn')
    const second = await GatewayProcess.start(test, '', { at: file })
    assert.equal(await says(second), 'good')
    await commit(etcd, { 'routes/page': page('mended') })
    await becomes(second, 'mended')
    await until(async () => (await status(etcd, 'one')).state === 'serving', 'the status')
  })

  it('starts from its copy while etcd is away, and follows when it is back', async (test) => {
    const etcd = await EtcdServer.start(test)
    await commit(etcd, { 'routes/page': page('copied') })
    const file = await place(test, yaml(etcd, 'one'))
    const first = await GatewayProcess.start(test, '', { at: file })
    await becomes(first, 'copied')
    await first.stop()
    await etcd.kill()
    const second = await GatewayProcess.start(test, '', { at: file })
    assert.ok(second.logs.some(({ msg }) => msg?.startsWith('etcd is away: starting from the local copy') === true))
    assert.equal(await says(second), 'copied')
    await etcd.run()
    await commit(etcd, { 'routes/page': page('fresh') })
    await becomes(second, 'fresh')
  })

  it('does not start without etcd and without a copy, and says what to do', async (test) => {
    const etcd = await EtcdServer.start(test)
    const file = await place(test, yaml(etcd, 'one'))
    await etcd.kill()
    const run = promisify(execFile)(process.execPath, [
      '--disable-warning=ExperimentalWarning',
      MAIN,
      'run',
      '--config',
      file,
    ])
    await assert.rejects(run, (error: { code: number; stderr: string }) => {
      assert.equal(error.code, 1)
      assert.match(error.stderr, /no local copy .* bring etcd back/)
      return true
    })
  })

  it('lets the file hold where both have a name', async (test) => {
    const etcd = await EtcdServer.start(test)
    await commit(etcd, { 'routes/page': page('shared') })
    const own = `routes: [{ name: page, match: { path: /page }, respond: { body: own } }]\n`
    const gateway = await GatewayProcess.start(test, yaml(etcd, 'one', own))
    assert.equal(await says(gateway), 'own')
    assert.match((await status(etcd, 'one')).errors.join('\n'), /page/)
    // The version is that of the store: what has changed in the file is another configuration all the same.
    const config = (headers = {}): Promise<Response> =>
      fetch(`http://127.0.0.1:${gateway.port('admin')}/admin/v1/config`, { headers })
    const etag = (await config()).headers.get('etag')!
    assert.equal((await config({ 'if-none-match': etag })).status, 304)
    await gateway.configure(yaml(etcd, 'one', own.replace('own', 'mine')))
    await becomes(gateway, 'mine')
    assert.equal((await config({ 'if-none-match': etag })).status, 200)
    const answer = await fetch(`http://127.0.0.1:${gateway.port('admin')}/admin/v1/routes/more`, {
      method: 'PUT',
      headers: { 'if-match': (await config()).headers.get('etag')!, 'content-type': 'application/json' },
      body: JSON.stringify({ respond: {} }),
    })
    assert.equal(answer.status, 200)
  })

  it('writes through to etcd what its admin listener is told, for the whole fleet', async (test) => {
    const etcd = await EtcdServer.start(test)
    await commit(etcd, { 'routes/page': page('first') })
    const gateways = [
      await GatewayProcess.start(test, yaml(etcd, 'one')),
      await GatewayProcess.start(test, yaml(etcd, 'two', 'workers: 2\n')),
    ]
    const admin = (gateway: GatewayProcess): string => `http://127.0.0.1:${gateway.port('admin')}/admin/v1`
    const patch = await fetch(`${admin(gateways[1]!)}/routes/page`, {
      method: 'PATCH',
      headers: { 'if-match': '*', 'content-type': 'application/merge-patch+json', 'sluice-author': 'bob' },
      body: JSON.stringify({ respond: { body: 'second' } }),
    })
    const { version } = (await patch.json()) as { version: number }
    assert.equal(patch.status, 200)
    for (const gateway of gateways) await becomes(gateway, 'second')
    assert.match((await read(etcd, 'routes/page'))!, /body: second .*# what it says/)
    assert.equal((JSON.parse((await read(etcd, 'commit'))!) as { author: string }).author, 'bob')
    const fleet = async (): Promise<unknown> => {
      const { members } = (await (await fetch(`${admin(gateways[0]!)}/fleet`)).json()) as {
        members: { instance: string; status: { version: number; state: string }; info: { zone: string } }[]
      }
      return members.map(({ instance, status: { state, version: serves }, info }) => [
        instance,
        state,
        serves,
        info.zone,
      ])
    }
    const wanted = [
      ['one', 'serving', version, 'a'],
      ['two', 'serving', version, 'a'],
    ]
    await until(async () => JSON.stringify(await fleet()) === JSON.stringify(wanted), 'the fleet')
  })
})
