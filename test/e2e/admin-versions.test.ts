// Who may change something, and what is kept of it: versions, the file, the audit log.
import assert from 'node:assert/strict'
import { chmod, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { InvalidConfiguration } from '../../src/control/publish.ts'
import { bearer, FileControl, patch, ROUTE, TEXT, TOKEN, type Reply } from '../lab/file-control.ts'

describe('who may change something', () => {
  it('knows the token', async (test) => {
    const control = await FileControl.start(test, TEXT, TOKEN)
    const question = patch({ upstream: 'canary' })
    assert.equal((await control.ask(ROUTE, question)).status, 401)
    assert.equal((await control.ask('/admin/v1/drain', { method: 'POST' })).status, 401)
    assert.equal(control.drains, 0)
    const known = { ...question, headers: { ...question.headers, ...bearer, 'sluice-author': 'ann@h\u0007 \u001b[2J' } }
    assert.equal((await control.ask(ROUTE, known).catch(() => ({ status: 0 }))).status, 0)
    const plain = { ...known, headers: { ...known.headers, 'sluice-author': 'ann@host', 'sluice-message': 'try it' } }
    assert.equal((await control.ask(ROUTE, plain)).status, 200)
    const { entries } = (await control.ask('/admin/v1/audit', { headers: bearer })).json as { entries: any[] }
    const told = entries.map(({ actor, action, target, result, from, to, message }) => [
      `${actor.author} ${actor.by}`,
      `${action} ${target}`,
      result,
      from,
      to,
      message,
    ])
    assert.deepEqual(told, [
      ['ann@host token', 'route.patch users', 'done', 1, 2, 'try it'],
      ['ann@host token', 'route.patch users', 'begun', 1, null, 'try it'],
      ['admin nobody', 'attempt POST /admin/v1/drain', 'refused', null, null, ''],
      ['admin nobody', 'attempt PATCH /admin/v1/routes/{name}', 'refused', null, null, ''],
    ])
    assert.ok(entries.every(({ actor }) => actor.peer === '127.0.0.1'))
  })

  it('is on this machine, where there is no token, and no page of another site', async (test) => {
    const control = await FileControl.start(test, TEXT.replace(/, token: .*}/, ' }'))
    const ask = async (headers: Record<string, string>): Promise<number> =>
      (await control.ask(ROUTE, patch({ upstream: 'canary' }, headers))).status
    assert.equal(await ask({ origin: 'https://evil.example' }), 403)
    assert.equal(await ask({ 'sec-fetch-site': 'cross-site' }), 403)
    assert.equal(await ask({ host: 'evil.example' }), 421)
    assert.equal((await control.ask('/admin/v1/drain', { method: 'POST', headers: { origin: 'null' } })).status, 403)
    assert.equal(control.version, 1)
    assert.equal(await ask({}), 200)
    assert.equal((await control.ask('/admin/v1/drain', { method: 'POST' })).status, 202)
    assert.equal(control.drains, 1)
  })

  it('does not fill the audit log without being let in', async (test) => {
    const control = await FileControl.start(test, TEXT, TOKEN)
    for (let i = 0; i < 50; i++) assert.equal((await control.ask(ROUTE, patch({}))).status, 401)
    const { entries } = (await control.ask('/admin/v1/audit', { headers: bearer })).json as { entries: unknown[] }
    assert.ok(entries.length >= 10 && entries.length <= 20, `${entries.length}`)
  })
})

describe('a version', () => {
  it('is told with its author and changes, and serves again when it is asked for', async (test) => {
    const control = await FileControl.start(test, TEXT)
    const said = { 'sluice-author': 'ann@host', 'sluice-message': 'a try' }
    await control.ask(ROUTE, patch({ upstream: 'canary' }, said))
    await control.ask(ROUTE, patch({ priority: 5 }))
    const { snapshots } = (await control.ask('/admin/v1/snapshots')).json as { snapshots: any[] }
    assert.deepEqual(
      snapshots.map(({ version, author, message, changes, serving, pins }) => [
        version,
        author,
        message,
        changes,
        serving,
        pins,
      ]),
      [
        [3, 'admin', '', 1, true, 0],
        [2, 'ann@host', 'a try', 1, false, 0],
        [1, 'file', '', null, false, 0],
      ],
    )
    const second = (await control.ask('/admin/v1/snapshots/2')).json
    assert.deepEqual([second['author'], second['against'], second['changes'][0].after], ['ann@host', 1, 'canary'])
    const whole = (await control.ask('/admin/v1/snapshots/3?diff=1')).json
    assert.deepEqual(
      whole['changes'].map(({ key, path }: any) => `${key} ${path}`),
      ['routes/users upstream', 'routes/users priority'],
    )
    for (const [path, status] of [
      ['/admin/v1/snapshots/9', 404],
      ['/admin/v1/snapshots/2?diff=9', 404],
      ['/admin/v1/snapshots/x', 400],
      ['/admin/v1/snapshots/-1', 400],
    ] as const)
      assert.equal((await control.ask(path)).status, status, path)
    const activate = (version: number, headers = {}): Promise<Reply> =>
      control.ask(`/admin/v1/snapshots/${version}/activate`, { method: 'POST', headers })
    assert.equal((await activate(1)).status, 428)
    assert.equal((await activate(1, { 'if-match': '"2"' })).status, 412)
    assert.equal((await activate(9, { 'if-match': '*' })).status, 404)
    const back = await activate(1, { 'if-match': '"3"' })
    assert.deepEqual([back.status, back.json['version'], back.json['changes'].length], [200, 4, 2])
    assert.equal(await control.onDisk(), TEXT)
    assert.equal(control.history.newest!.message, 'back to version 1')
  })
})

describe('a file', () => {
  it('that was changed on disk is not overwritten', async (test) => {
    const control = await FileControl.start(test, TEXT)
    await writeFile(control.file, `${TEXT}# mine\n`)
    const { status, text } = await control.ask(ROUTE, patch({ upstream: 'canary' }))
    assert.equal(status, 412)
    assert.match(text, /changed on disk/)
    assert.equal(await control.onDisk(), `${TEXT}# mine\n`)
  })

  it('keeps its mode, is found through links, and leaves nothing beside it', async (test) => {
    const control = await FileControl.start(test, TEXT)
    const real = join(control.directory, 'real')
    await mkdir(real)
    await rename(control.file, join(real, 'other.yaml'))
    await symlink('real/other.yaml', control.file)
    await chmod(join(real, 'other.yaml'), 0o640)
    assert.equal((await control.ask(ROUTE, patch({ upstream: 'canary' }))).status, 200)
    assert.match(await readFile(join(real, 'other.yaml'), 'utf8'), /upstream: canary/)
    assert.equal((await stat(control.file)).mode & 0o777, 0o640)
    assert.deepEqual(await readdir(real), ['other.yaml'])
  })

  it('of a ConfigMap, or one that is gone, is refused with a clear word', async (test) => {
    const control = await FileControl.start(test, TEXT)
    await mkdir(join(control.directory, '..2026_11_21'))
    await rename(control.file, join(control.directory, '..2026_11_21', 'gateway.yaml'))
    await symlink('..2026_11_21', join(control.directory, '..data'))
    await symlink('..data/gateway.yaml', control.file)
    const mounted = await control.ask(ROUTE, patch({ upstream: 'canary' }))
    assert.deepEqual([mounted.status, /ConfigMap of Kubernetes/.test(mounted.text)], [409, true])
    await rm(control.file)
    const gone = await control.ask(ROUTE, patch({ upstream: 'canary' }))
    assert.deepEqual([gone.status, /it is gone/.test(gone.text)], [409, true])
    assert.equal(control.version, 1)
  })

  it('has its text again when the new one does not serve after all', async (test) => {
    const control = await FileControl.start(test, TEXT)
    const problem = { file: control.file, line: 1, column: 1, key: 'routes[0]', message: 'a plugin says no' }
    control.refuse = async () => {
      throw new InvalidConfiguration([problem])
    }
    const { status, json } = await control.ask(ROUTE, patch({ upstream: 'canary' }))
    assert.deepEqual([status, json['problems']], [422, [problem]])
    assert.equal(await control.onDisk(), TEXT)
  })
})

describe('the audit log', () => {
  it('is one line each, for its owner only; and without it nothing is changed', async (test) => {
    const control = await FileControl.start(test, TEXT)
    await control.ask(ROUTE, patch({ upstream: 'nobody' }))
    const file = join(control.directory, 'state', 'audit.jsonl')
    const lines = (await readFile(file, 'utf8')).trim().split('\n')
    const results = lines.map((line) => (JSON.parse(line) as { result: string }).result)
    assert.deepEqual(results, ['begun', 'refused'])
    assert.equal((await stat(file)).mode & 0o777, 0o600)
    await rm(file)
    await mkdir(file)
    const { status, text } = await control.ask(ROUTE, patch({ upstream: 'canary' }))
    assert.deepEqual([status, /audit log cannot be written/.test(text)], [503, true])
    assert.equal((await control.ask('/admin/v1/drain', { method: 'POST' })).status, 503)
    assert.deepEqual([control.version, control.drains, await control.onDisk()], [1, 0, TEXT])
  })
})
