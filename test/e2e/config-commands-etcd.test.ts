// diff, apply, rollback, history and fleet on a real etcd, without a gateway.
import assert from 'node:assert/strict'
import { hostname, userInfo } from 'node:os'
import { dirname } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { EtcdTarget } from '../../src/cli/control/etcd-target.ts'
import { Conflict } from '../../src/cli/control/target.ts'
import { Authority } from '../lab/certificates.ts'
import { EtcdServer } from '../lab/etcd.ts'
import { GatewayProcess } from '../lab/gateway.ts'
import { RawClient } from '../lab/raw-client.ts'
import { files, sluice, type Ended } from '../lab/sluice.ts'
import { refusingPort } from '../lab/upstreams.ts'

const PREFIX = '/sluice/edge'
const FIRST = `# The part that gateways share.
upstreams:
  # the users' own
  u: { endpoints: [{ url: http://127.0.0.1:1 }] }
routes:
  - name: users
    match: { path: /a } # for now
    upstream: u
  - { name: gone, match: { path: /gone }, respond: {} }
`
const SECOND = FIRST.replace('path: /a', 'path: /b').replace('{ name: gone, match: { path: /gone }', '{ name: new')

interface Lab {
  readonly etcd: EtcdServer
  readonly first: string
  readonly second: string
  readonly verb: (...argv: string[]) => Promise<Ended>
  /** Of the item, as it lies in etcd; null: it is not there. */
  readonly text: (key: string) => Promise<string | null>
  readonly put: (key: string, value: string) => Promise<unknown>
}

async function lab(test: TestContext): Promise<Lab> {
  const etcd = await EtcdServer.start(test)
  const { first, second } = await files(test, { first: FIRST, second: SECOND })
  const bytes = (text: string): string => Buffer.from(text).toString('base64')
  return {
    etcd,
    first,
    second,
    verb: (...argv) => sluice([...argv, '--etcd', `127.0.0.1:${etcd.port}`, '--prefix', PREFIX]),
    async text(key) {
      const { kvs = [] } = await etcd.call<{ kvs?: { value: string }[] }>('kv/range', {
        key: bytes(`${PREFIX}/${key}`),
      })
      return kvs[0] === undefined ? null : Buffer.from(kvs[0].value, 'base64').toString()
    },
    put: (key, value) => etcd.call('kv/put', { key: bytes(`${PREFIX}/${key}`), value: bytes(value) }),
  }
}

function versionIn({ out }: Ended): number {
  return Number(/^version (\d+) is written$/m.exec(out)?.[1])
}

describe('verbs on etcd', () => {
  it('apply writes items with their comments; diff, history and rollback know every version', async (test) => {
    const { first, second, verb, text } = await lab(test)
    const dry = await verb('apply', first)
    assert.equal(dry.code, 0, dry.err)
    assert.match(dry.out, /to etcd http:\/\/127\.0\.0\.1:\d+, \/sluice\/edge, which has none yet\n/)
    assert.match(dry.out, /^\+ routes\/users: .*\n\+ routes\/gone|^\+ routes\/gone: .*\n\+ routes\/users/m)
    assert.match(dry.out, /Nothing is written: --yes does it\.\n$/)
    assert.equal(await text('commit'), null)

    const done = await verb('apply', first, '--yes', '--message', 'the start')
    assert.equal(done.code, 0, done.err)
    assert.match(done.out, /no gateway has told which version it serves\n$/)
    const one = versionIn(done)
    assert.equal(await text('routes/users'), 'name: users\nmatch: { path: /a } # for now\nupstream: u\n')
    assert.equal(await text('upstreams/u'), "# the users' own\n{ endpoints: [{ url: http://127.0.0.1:1 }] }\n")
    assert.match((await verb('apply', first, '--yes')).out, /over version \d+\nno change\n$/)

    const two = versionIn(await verb('apply', second, '--yes', '--no-wait'))
    assert.ok(two > one)
    assert.equal(await text('routes/gone'), null)
    const lines = [
      '+ routes/new: {"name":"new","respond":{}}',
      '- routes/gone: {"name":"gone","match":{"path":"/gone"},"respond":{}}',
      '~ routes/users.match.path: "/a" -> "/b"',
    ]
    for (const sides of [
      [`@${one}`, `${two}`],
      [first, 'live'],
      [`@${one}`, second],
    ]) {
      const { code, out } = await verb('diff', ...sides)
      assert.equal(code, 1)
      const told = out.trimEnd().split('\n').slice(0, -1)
      assert.deepEqual(told.toSorted(), lines.toSorted(), sides.join(' '))
    }
    assert.equal((await verb('diff', 'live', second)).code, 0)

    assert.match((await verb('rollback')).out, new RegExp(`from version ${two} back to ${one}\n`))
    const three = versionIn(await verb('rollback', '--yes', '--no-wait'))
    assert.equal(await text('routes/users'), 'name: users\nmatch: { path: /a } # for now\nupstream: u\n')
    assert.equal(await text('routes/new'), null)
    const { versions } = JSON.parse((await verb('history', '--json')).out) as { versions: any[] }
    const author = `${userInfo().username}@${hostname()}`
    assert.deepEqual(
      versions.map(({ version, message, serving, author: who }) => [version, message, serving, who]),
      [
        [three, `back to version ${one}`, true, author],
        [two, '', false, author],
        [one, 'the start', false, author],
      ],
    )
    assert.match((await verb('rollback', '@1')).err, /there is no version 1|does not know version 1/)
  })

  it('apply does not ask for variables where there can be none', async (test) => {
    const { verb } = await lab(test)
    const keys = 'plugins: { key-auth: { keys: [{ key: a-key-in-clear, consumer: a }] } }\n'
    const { file } = await files(test, { file: `${FIRST}${keys}` })
    const { code, out, err } = await verb('apply', file)
    assert.deepEqual([code, err], [0, ''])
    assert.ok(!out.includes('in-clear'))
  })

  it('apply writes what changed only in its comments, and says what it leaves out', async (test) => {
    const { first, verb, text } = await lab(test)
    await verb('apply', first, '--yes', '--no-wait')
    const { whole } = await files(test, {
      whole: `version: 1\nlisteners: [{ name: a, bind: '127.0.0.1:0' }]\n${FIRST.replace('for now', 'for good')}`,
    })
    const { code, out } = await verb('apply', whole, '--yes', '--no-wait')
    assert.equal(code, 0)
    assert.match(
      out,
      /no change\nThe text may differ[^]*stays with each gateway: listeners\.\n1 item with other comments/,
    )
    assert.match((await text('routes/users'))!, /# for good/)
  })

  it('apply refuses what no gateway would take, with its place in the file', async (test) => {
    const { verb, text } = await lab(test)
    const { dangling, variable, json, refused } = await files(test, {
      dangling: FIRST.replace('upstream: u', 'upstream: uu'),
      variable: FIRST.replace('http://127.0.0.1:1', '"http://${HOST}:1"'),
      json: JSON.stringify({ routes: [{ name: 'a', nonsense: 1 }] }, null, 2),
      refused: `${FIRST}plugins: { cors: { origins: ['*'], credentials: true } }\n`,
    })
    const cases = [
      [
        dangling,
        /dangling:8:15 routes\[0\]\.upstream: there is no upstream "uu"; did you mean "u"\?\n.*is not valid\n$/,
      ],
      [variable, /variable:4:\d+ upstreams\/u: .*cannot read the environment.*\n.*is not valid\n$/],
      [json, /json:5:\d+ routes\[0\]\.nonsense: unknown key/],
      [refused, /refused:10:\d+ plugins\.cors: .*name the origins/],
    ] as const
    for (const [file, wanted] of cases) {
      const { code, out, err } = await verb('apply', file, '--yes')
      assert.deepEqual([code, out], [1, ''])
      assert.match(err, wanted)
    }
    assert.equal(await text('commit'), null)
  })

  it('apply writes nothing over what somebody has not committed', async (test) => {
    const { first, second, verb, put } = await lab(test)
    await verb('apply', first, '--yes', '--no-wait')
    await put('routes/by-hand', 'respond: {}')
    const { code, out, err } = await verb('apply', second, '--yes')
    assert.equal(code, 1)
    assert.match(err, /by-hand/)
    assert.doesNotMatch(out, /is written/)
  })

  it('apply writes nothing over what somebody else has written', async (test) => {
    const { etcd, first, verb } = await lab(test)
    await verb('apply', first, '--yes', '--no-wait')
    const target = new EtcdTarget({ hosts: [etcd.url], prefix: PREFIX })
    test.after(() => target.close())
    const text = { file: 'second', text: SECOND }
    const mine = { author: 'me', message: '' }
    const { version } = await target.preview(text)
    const theirs = await target.apply({ ...text, text: FIRST.replace('/a', '/c') }, version, mine)
    await assert.rejects(target.apply(text, version, mine), (error) => error instanceof Conflict)
    await assert.rejects(target.activate(version, version, mine), (error) => error instanceof Conflict)
    assert.equal(await target.version(), theirs.version)
    assert.deepEqual(await target.activate(theirs.version, theirs.version, mine), { ...theirs, isNew: false })
  })

  it('takes thousands of items', async (test) => {
    const { verb } = await lab(test)
    const routes = Array.from(
      { length: 2_000 },
      (_, i) => `  - { name: r${i}, match: { path: /r${i} }, respond: {} }\n`,
    )
    const { many } = await files(test, { many: `routes:\n${routes.join('')}` })
    const { code, out, err } = await verb('apply', many, '--yes', '--no-wait')
    assert.equal(code, 0, err)
    assert.match(out, /2000 changes: 2000 added\n/)
    assert.equal((await verb('diff', many, 'live')).code, 0)
  })

  it('waits for the fleet, and shows it', async (test) => {
    const { first, second, verb, put } = await lab(test)
    const version = versionIn(await verb('apply', first, '--yes', '--no-wait'))
    const status = (more: object): string =>
      JSON.stringify({ version, seen: version, state: 'serving', errors: [], since: 1_800_000_000_000, ...more })
    await put('status/gw-1', status({ version: version + 10, seen: version + 10 }))
    await put(
      'status/gw-2',
      status({ state: 'rejected', errors: ['etcd:/sluice/edge/routes/new:1:2 no'], seen: version + 10 }),
    )
    const fleet = await verb('fleet')
    assert.equal(fleet.code, 0)
    assert.match(fleet.out, /^gw-1 +\d+ +serving +2027-01-15 08:00:00 +-$/m)
    const { code, out } = await verb('apply', second, '--yes')
    assert.equal(code, 1)
    assert.match(
      out,
      /gw-1: serves version \d+\ngw-2: refuses version \d+, serves \d+: etcd:\/sluice\/edge\/routes\/new:1:2 no\n$/,
    )
  })

  it('wait until a gateway serves what was written', async (test) => {
    const { etcd, verb } = await lab(test)
    const routes = (body: string) => `routes: [{ name: page, match: { path: /page }, respond: { body: ${body} } }]\n`
    const { one, two } = await files(test, { one: routes('one'), two: routes('two') })
    await verb('apply', one, '--yes', '--no-wait')
    const gateway = await GatewayProcess.start(
      test,
      `version: 1\ninstance: gw-1\nlisteners: [{ name: main, bind: '127.0.0.1:0' }]\n` +
        `control: { etcd: { hosts: ['${etcd.url}'], prefix: ${PREFIX} } }\n`,
    )
    const client = await RawClient.connect(test, gateway.port('main'))
    assert.equal((await client.get('/page')).body.toString(), 'one')
    for (const [argv, body] of [
      [['apply', two], 'two'],
      [['rollback'], 'one'],
    ] as const) {
      const done = await verb(...argv, '--yes')
      assert.equal(done.code, 0, done.out)
      assert.match(done.out, /^gw-1: serves version \d+$/m)
      assert.equal((await client.get('/page')).body.toString(), body)
    }
  })

  it('speak TLS with a certificate of the client', async (test) => {
    const { first } = await files(test, { first: FIRST })
    const authority = await Authority.make(dirname(first))
    const [server, client] = [await authority.sign('server'), await authority.sign('client')]
    const more = [
      '--cert-file',
      server.cert,
      '--key-file',
      server.key,
      '--trusted-ca-file',
      authority.file,
      '--client-cert-auth',
    ]
    const etcd = await EtcdServer.start(test, { secure: true, more })
    const place = ['--etcd', `127.0.0.1:${etcd.port}`, '--prefix', PREFIX, '--etcd-ca', authority.file]
    const done = await sluice([
      'apply',
      first,
      '-y',
      '--no-wait',
      ...place,
      '--etcd-cert',
      client.cert,
      '--etcd-key',
      client.key,
    ])
    assert.equal(done.code, 0, done.err)
    const stranger = await sluice(['history', ...place])
    assert.deepEqual([stranger.code, stranger.out], [1, ''])
    assert.match(stranger.err, /^sluice history: etcd does not answer/m)
  })

  it('tell a wrong password from a user who may not', async (test) => {
    const { etcd, first } = await lab(test)
    await etcd.call('auth/user/add', { name: 'root', password: 'root-secret' })
    await etcd.call('auth/user/grant', { user: 'root', role: 'root' })
    await etcd.call('auth/user/add', { name: 'guest', password: 'guest-secret' })
    await etcd.call('auth/enable', {})
    const apply = (user: string, password: string) =>
      sluice(['apply', first, '-y', '--no-wait', '--etcd', etcd.url, '--prefix', PREFIX, '--etcd-user', user], {
        SLUICE_ETCD_PASSWORD: password,
      })
    assert.match((await apply('root', 'wrong-secret')).err, /does not accept the user name and password/)
    assert.match((await apply('guest', 'guest-secret')).err, /etcd denies permission/)
    const done = await apply('root', 'root-secret')
    assert.equal(done.code, 0, done.err)
  })

  it('say what is wrong in one line', async (test) => {
    const { first } = await files(test, { first: FIRST })
    const away = ['--etcd', `127.0.0.1:${await refusingPort()}`, '--prefix', PREFIX]
    for (const argv of [['apply', first], ['rollback'], ['history'], ['fleet']]) {
      const { code, out, err } = await sluice([...argv, ...away])
      assert.deepEqual([code, out], [1, ''])
      assert.match(err, /^sluice \w+: etcd does not answer at http:\/\/127\.0\.0\.1:\d+: .*\n$/)
    }
    const etcd = ['history', '--etcd', '127.0.0.1:1']
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [etcd, /--etcd needs --prefix/],
      [[...etcd, '--prefix', 'edge/'], /--prefix: "edge\/"/],
      [['history', '--etcd', '127.0.0.1:1,,x', '--prefix', PREFIX], /--etcd: /],
      [[...etcd, '--prefix', PREFIX, '--etcd-cert', 'a'], /--etcd-cert and --etcd-key go together/],
      [[...etcd, '--prefix', PREFIX, '--etcd-user', 'a'], /SLUICE_ETCD_PASSWORD/],
    ]
    for (const [argv, wanted] of cases) {
      const { code, err } = await sluice(argv)
      assert.equal(code, 2)
      assert.match(err, wanted)
    }
    const unreadable = await sluice([...etcd, '--prefix', PREFIX, '--etcd-ca', '/nowhere'])
    assert.equal(unreadable.code, 1)
    assert.match(unreadable.err, /^sluice history: certificate file \/nowhere cannot be read: ENOENT\n$/)
  })
})
