// What may be changed through the admin listener, by whom, and what comes of it.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FileControl, JSON_BODY, patch, ROUTE, TEXT, type Question, type Reply } from '../lab/file-control.ts'
import { RawClient } from '../lab/raw-client.ts'

describe('a patch of a route', () => {
  it('is written to the file, with everything else as it was, and serves', async (test) => {
    const control = await FileControl.start(test, TEXT)
    const { status, headers, json } = await control.ask(ROUTE, patch({ upstream: 'canary' }, { 'if-match': '"1"' }))
    assert.deepEqual([status, headers['etag'], json['version'], json['written']], [200, '"2"', 2, true])
    assert.deepEqual(json['changes'], [
      { key: 'routes/users', path: 'upstream', kind: 'changed', before: 'users', after: 'canary' },
    ])
    assert.equal(await control.onDisk(), TEXT.replace('upstream: users', 'upstream: canary'))
    assert.equal(control.text, await control.onDisk())
  })

  it('sets, removes, and replaces what the route does', async (test) => {
    const control = await FileControl.start(test, TEXT)
    assert.equal((await control.ask(ROUTE, patch({ match: { host: 'a.example' }, priority: 3 }))).status, 200)
    const split = [
      { upstream: 'users', weight: 9 },
      { upstream: 'canary', weight: 1 },
    ]
    assert.equal((await control.ask(ROUTE, patch({ split, priority: null }))).status, 200)
    const [route] = control.validated.valid.config.routes
    assert.deepEqual(
      [route!.match, route!.split, route!.upstream],
      [{ path: '/users', host: 'a.example' }, split, undefined],
    )
    assert.ok((await control.onDisk()).includes('# the users'))
    const again = await control.ask(ROUTE, patch({ split }))
    assert.deepEqual([again.json['version'], again.json['written'], again.json['changes']], [3, false, []])
  })

  it('may be looked at before', async (test) => {
    const control = await FileControl.start(test, TEXT)
    const question = { ...patch({ upstream: 'canary' }), headers: JSON_BODY }
    const { status, json } = await control.ask(`${ROUTE}?validate=only`, question)
    assert.deepEqual([status, json['version'], json['written'], json['changes'].length], [200, 1, false, 1])
    assert.equal(await control.onDisk(), TEXT)
    assert.deepEqual((await control.ask('/admin/v1/audit')).json['entries'], [])
  })

  it('finds names with slashes and blanks, and no others', async (test) => {
    const control = await FileControl.start(test, TEXT)
    const respond = { respond: { status: 204 } }
    assert.equal((await control.ask('/admin/v1/routes/a%2Fb%20c', patch(respond))).status, 200)
    for (const [name, status] of [
      ['a/b%20c', 404],
      ['nobody', 404],
      ['%ff', 400],
      ['', 404],
      ['%2e%2e%2fconfig', 404],
    ] as const)
      assert.equal((await control.ask(`/admin/v1/routes/${name}`, patch(respond))).status, status, name)
  })

  it('that could not serve changes nothing, and says why', async (test) => {
    const control = await FileControl.start(test, TEXT)
    const cases: [unknown, number, RegExp][] = [
      [{ upstream: 'cannary' }, 422, /did you mean .{1,2}canary/],
      [{ upstraem: 'canary' }, 422, /unknown key/],
      [{ name: 'other' }, 409, /another name/],
      [{ respond: { body: '***' } }, 409, /stands for a secret/],
      [{ match: { path: 7 } }, 422, /expected text/],
      [[], 422, /a route is an object/],
      ['x', 422, /a route is an object/],
      [null, 422, /a route is an object/],
      [JSON.parse('{"__proto__":{"upstream":"canary"}}'), 422, /unknown key/],
      [JSON.parse(`{"match":${'{"a":'.repeat(2000)}1${'}'.repeat(2001)}`), 422, /more than 64 levels/],
    ]
    for (const [body, status, why] of cases) {
      const reply = await control.ask(ROUTE, patch(body))
      assert.equal(reply.status, status, reply.text)
      assert.equal(reply.headers['content-type'], 'application/problem+json')
      assert.match(reply.text, why)
    }
    const { json } = await control.ask(ROUTE, patch({ upstream: 'cannary' }))
    const [{ file, line, column, key, message }] = json['problems'] as [Record<string, unknown>]
    assert.deepEqual([file, line, column, key], [control.file, 11, 15, 'routes[0].upstream'])
    assert.match(message as string, /cannary/)
    assert.equal(await control.onDisk(), TEXT)
    assert.equal(control.version, 1)
  })

  it('needs the version that it was made from', async (test) => {
    const control = await FileControl.start(test, TEXT)
    const ask = (headers: Record<string, string>): Promise<Reply> =>
      control.ask(ROUTE, { ...patch({ upstream: 'canary' }), headers: { ...JSON_BODY, ...headers } })
    const missing = await ask({})
    assert.deepEqual([missing.status, missing.headers['etag']], [428, '"1"'])
    for (const tag of ['"2"', 'W/"1"', '1', '"1-json"', '"0", "3"']) {
      const { status, headers } = await ask({ 'if-match': tag })
      assert.deepEqual([status, headers['etag']], [412, '"1"'], tag)
    }
    assert.equal((await ask({ 'if-match': '"7", "1-yaml"' })).status, 200)
  })

  it('of several made from one version wins once', async (test) => {
    const control = await FileControl.start(test, TEXT)
    const change = (i: number): Promise<Reply> => control.ask(ROUTE, patch({ priority: i + 1 }, { 'if-match': '"1"' }))
    const replies = await Promise.all(Array.from({ length: 10 }, (_, i) => change(i)))
    const statuses = replies.map(({ status }) => status).toSorted((a, b) => a - b)
    assert.deepEqual(statuses, [200, ...Array.from({ length: 9 }, () => 412)])
    const any = await Promise.all(
      Array.from({ length: 10 }, (_, i) => control.ask(ROUTE, patch({ match: { headers: { [`x-${i}`]: 'y' } } }))),
    )
    assert.ok(any.every(({ status }) => status === 200))
    assert.equal(Object.keys(control.validated.valid.config.routes[0]!.match!.headers!).length, 10)
    assert.equal(control.version, 12)
  })
})

describe('a route', () => {
  it('can be added, replaced and removed', async (test) => {
    const control = await FileControl.start(test, TEXT)
    const put = (body: unknown): Question => ({ ...patch(body), method: 'PUT' })
    const path = '/admin/v1/routes/new%20one'
    assert.equal((await control.ask(path, put({ match: { path: /n/.source }, respond: {} }))).status, 422)
    assert.equal((await control.ask(path, put({ match: { path: '/n' }, respond: {} }))).status, 200)
    assert.equal((await control.ask(path, put({ match: { path: '/m' }, upstream: 'users' }))).status, 200)
    assert.deepEqual(control.validated.valid.config.routes[2], {
      name: 'new one',
      match: { path: '/m' },
      upstream: 'users',
      priority: 0,
    })
    assert.equal((await control.ask(path, { method: 'DELETE', headers: { 'if-match': '*' } })).status, 200)
    assert.equal((await control.ask(path, { method: 'DELETE', headers: { 'if-match': '*' } })).status, 404)
    assert.equal(await control.onDisk(), TEXT)
  })
})

describe('a whole configuration', () => {
  const put = (type: string, body: string | Buffer, headers = {}): Question => ({
    method: 'PUT',
    headers: { 'content-type': type, 'if-match': '*', ...headers },
    body,
  })

  it('as YAML takes the place of the text', async (test) => {
    const control = await FileControl.start(test, TEXT)
    const text = TEXT.replace('# where clients come', '# another comment').replace('/users', '/people')
    const { status, json } = await control.ask('/admin/v1/config', put('application/yaml; charset=utf-8', text))
    assert.deepEqual([status, json['version'], json['changes'].length], [200, 2, 1])
    assert.equal(await control.onDisk(), text)
  })

  it('as YAML may have three stars in its comments, and be wrong', async (test) => {
    const control = await FileControl.start(test, TEXT)
    const text = TEXT.replace('# where clients come', '# *** listeners ***')
    assert.equal((await control.ask('/admin/v1/config', put('application/yaml', text))).status, 200)
    assert.equal(await control.onDisk(), text)
    const { status, json } = await control.ask('/admin/v1/config', put('application/yaml', `${text}: :\n`))
    assert.deepEqual([status, json['problems'].length], [422, 1])
  })

  it('as it was told changes nothing, in both forms', async (test) => {
    const control = await FileControl.start(test, TEXT)
    for (const format of ['json', 'yaml']) {
      const { text, headers } = await control.ask(`/admin/v1/config?format=${format}`)
      const { status, json } = await control.ask(
        '/admin/v1/config',
        put(`application/${format}`, text, { 'if-match': headers['etag']! }),
      )
      assert.deepEqual([status, json['written'], json['changes']], [200, false, []], format)
    }
    assert.equal(await control.onDisk(), TEXT)
  })

  it('as JSON changes what differs, and keeps secrets and comments', async (test) => {
    const control = await FileControl.start(test, TEXT)
    const { config } = (await control.ask('/admin/v1/config')).json as { config: any }
    assert.equal(config.admin.token, '***')
    config.routes[0].match.path = '/people'
    config.drainTimeout = '2s'
    const { status, text } = await control.ask('/admin/v1/config', put('application/json', JSON.stringify(config)))
    assert.equal(status, 200, text)
    assert.equal(await control.onDisk(), TEXT.replace('/users', '/people') + 'drainTimeout: 2s\n')
  })

  it('is said to be good or bad without being taken', async (test) => {
    const control = await FileControl.start(test, TEXT)
    const validate = async (body: string, type = 'application/yaml'): Promise<Record<string, any>> => {
      const reply = await control.ask('/admin/v1/config/validate', { ...put(type, body), method: 'POST' })
      assert.equal(reply.status, 200, reply.text)
      return reply.json
    }
    const good = await validate(TEXT.replace('/users', '/people'))
    assert.deepEqual([good['valid'], good['version'], good['problems'], good['changes'].length], [true, 1, [], 1])
    const bad = await validate('version: 2\nroutes: x')
    assert.deepEqual([bad['valid'], bad['problems'].length > 1, bad['problems'][0].line], [false, true, 1])
    for (const broken of ['a: [', '', '\t', 'a: *nothing'])
      assert.equal((await validate(broken))['valid'], false, broken)
    assert.equal(await control.onDisk(), TEXT)
  })

  it('is refused by its form', async (test) => {
    const control = await FileControl.start(test, TEXT)
    const cases: [Question, number][] = [
      [put('text/plain', TEXT), 415],
      [put('', TEXT), 415],
      [put('application/yaml; charset=latin1', TEXT), 415],
      [put('application/yaml', TEXT, { 'content-encoding': 'gzip' }), 415],
      [put('application/yaml', Buffer.from([0x61, 0xff])), 400],
      [put('application/json', '{'), 422],
      [put('application/json', '[]'), 422],
      [put('application/json', '['.repeat(500_000)), 422],
      [put('application/json', `${'['.repeat(100_000)}${']'.repeat(100_000)}`), 422],
    ]
    for (const [question, status] of cases) {
      const reply = await control.ask('/admin/v1/config', question)
      assert.equal(reply.status, status, reply.text.slice(0, 500))
    }
    const { status, headers } = await control.ask('/admin/v1/config', { method: 'POST' })
    assert.deepEqual([status, headers['allow']], [405, 'GET, HEAD, PUT'])
    assert.equal((await control.ask('/admin/v1/config?validate=yes', put('application/yaml', TEXT))).status, 400)
    assert.equal(await control.onDisk(), TEXT)
  })

  it('may come byte by byte', async (test) => {
    const control = await FileControl.start(test, TEXT)
    const client = await RawClient.connect(test, control.listener.port)
    const text = TEXT.replace('# where clients come', `# ${'x'.repeat(20_000)}`)
    const chunks = Array.from(text, (character) => `1\r\n${character}\r\n`).join('')
    const head = 'PUT /admin/v1/config HTTP/1.1\r\nHost: localhost\r\nIf-Match: *\r\nContent-Type: application/yaml\r\n'
    client.send(`${head}Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`)
    assert.equal((await client.response()).status, 200)
    assert.equal(await control.onDisk(), text)
  })

  it('that is too large, or does not come, is not waited for', async (test) => {
    const control = await FileControl.start(test, TEXT)
    const head = `PUT /admin/v1/config HTTP/1.1\r\nHost: localhost\r\nIf-Match: *\r\nContent-Type: application/yaml\r\n`
    const connect = (): Promise<RawClient> => RawClient.connect(test, control.listener.port)
    const announced = await connect()
    announced.send(`${head}Content-Length: 16777217\r\n\r\n`)
    assert.equal((await announced.response()).status, 413)
    const chunked = await connect()
    chunked.send(`${head}Transfer-Encoding: chunked\r\n\r\n`)
    const chunk = `100000\r\n${'x'.repeat(0x100000)}\r\n`
    for (let i = 0; i < 17; i++) chunked.send(chunk)
    assert.equal((await chunked.response()).status, 413)
    const silent = await connect()
    silent.send(`${head}Content-Length: 10\r\n\r\nabc`)
    const cut = await connect()
    cut.send(`${head}Content-Length: 10\r\n\r\nabc`)
    cut.socket.destroy()
    assert.equal((await silent.response()).status, 408)
    await silent.ended()
    assert.equal((await control.ask('/admin/v1/audit')).status, 200)
    assert.equal(control.version, 1)
  })
})
