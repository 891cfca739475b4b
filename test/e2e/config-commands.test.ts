// diff, apply, rollback, history, fleet and drain through an admin API: what they print, ask for and exit with.
import assert from 'node:assert/strict'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import { hostname, userInfo } from 'node:os'
import { describe, it, type TestContext } from 'node:test'
import { ConfigStandIn, served } from '../lab/config-stand-in.ts'
import { files, sluice } from '../lab/sluice.ts'
import { refusingPort } from '../lab/upstreams.ts'

const OLD = `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0' }]
upstreams: { u: { endpoints: [{ url: http://127.0.0.1:1 }] } }
routes:
  - { name: users, match: { path: /a }, upstream: u }
  - { name: gone, match: { path: /gone }, respond: {} }
`
const NEW = OLD.replace('path: /a', 'path: /b').replace(/ {2}- { name: gone.*\n/, '  - { name: new, respond: {} }\n')
const LINES = [
  '~ routes/users.match.path: "/a" -> "/b"',
  '- routes/gone: {"name":"gone","match":{"path":"/gone"},"respond":{}}',
  '+ routes/new: {"name":"new","respond":{}}',
]
const SUMMARY = '3 changes: 1 added, 1 changed, 1 removed\n'

describe('sluice diff', () => {
  it('tells what differs between files, and exits as diff(1) does', async (test) => {
    const { old, changed } = await files(test, { old: OLD, changed: NEW })
    assert.deepEqual(await sluice(['diff', old, changed]), { code: 1, out: `${LINES.join('\n')}\n${SUMMARY}`, err: '' })
    assert.deepEqual(await sluice(['diff', old, old]), { code: 0, out: '', err: '' })
    const { code, out } = await sluice(['diff', old, changed, '--json'])
    assert.equal(code, 1)
    const { changes } = JSON.parse(out) as { changes: object[] }
    assert.deepEqual(changes[0], {
      key: 'routes/users',
      path: 'match.path',
      kind: 'changed',
      before: '/a',
      after: '/b',
    })
    assert.deepEqual(JSON.parse((await sluice(['diff', old, old, '--json'])).out), { changes: [] })
  })

  it('shows variables as they are written, no secret, and no escape sequence', async (test) => {
    const config = (token: string, name: string): string =>
      `admin: { bind: '\${BIND}', token: '${token}' }\nroutes: [{ name: "${name}", respond: {} }]\n`
    const { a, b } = await files(test, { a: config('first-secret', 'a'), b: config('second-secret', 'a\\e[2Jb') })
    const { code, out } = await sluice(['diff', a, b])
    assert.equal(code, 1)
    assert.match(out, /^~ admin\.token: "\*\*\*" -> "\*\*\*"$/m)
    assert.match(out, /^\+ routes\/a·\[2Jb: /m)
    assert.ok(!out.includes('-secret') && !out.includes('\x1b'))
  })

  it('compares live, versions and files with each other', async (test) => {
    const admin = await ConfigStandIn.start(test, OLD)
    admin.store(NEW, 'ann@host', 'new route')
    const { old, changed } = await files(test, { old: OLD, changed: NEW })
    const diff = (...argv: string[]) => sluice(['diff', ...argv, '--admin', admin.url])
    assert.deepEqual(await diff('live', old), await sluice(['diff', changed, old]))
    const turned = await diff(old, 'live')
    assert.deepEqual([turned.code, turned.out.split('\n').toSorted()], [1, ['', ...LINES, SUMMARY.trim()].toSorted()])
    assert.equal((await diff('live', changed)).code, 0)
    assert.deepEqual(await diff('1', '@2'), { code: 1, out: `${LINES.join('\n')}\n${SUMMARY}`, err: '' })
    assert.equal((await diff('2', 'live')).code, 0)
    assert.equal((await diff('live', '@1')).code, 1)
    assert.equal((await diff('@2', changed)).code, 0)
    const refused = await diff('@1', changed)
    assert.equal(refused.code, 2)
    assert.match(refused.err, /only with the version that serves\nCompare it with live, and live with @1/)
    const unknown = await diff('@9', 'live')
    assert.equal(unknown.code, 2)
    assert.match(unknown.err, /answers 404: version 9 is not kept/)
  })

  it('exits 2 when it cannot tell', async (test) => {
    const { good, broken, list, twice } = await files(test, {
      good: OLD,
      broken: 'a: [\n',
      list: '[1]',
      twice: 'a: 1\nb: 1\nb: 2\na: 3\n',
    })
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [[good], /exactly two.*\nUsage/],
      [[good, good, good], /exactly two/],
      [[good, '/nowhere'], /\/nowhere cannot be read: ENOENT/],
      [[good, broken], /broken:2:1 invalid YAML/],
      [[good, list], /is no configuration/],
      [[good, twice], /twice:3:1 .*\n.*twice:4:1 /],
      [[good, '@0'], /a version is a number/],
      [[good, good, '--prefix', '/x'], /^$/],
      [[good, 'live', '--prefix', '/x'], /--prefix belongs to --etcd/],
      [[good, 'live', '--admin', 'x:', '--etcd', 'y'], /--etcd and --admin do not go together/],
    ]
    for (const [argv, wanted] of cases) {
      const { code, err } = await sluice(['diff', ...argv])
      assert.equal(code, wanted.source === '^$' ? 0 : 2, argv.join(' '))
      assert.match(err, wanted)
    }
  })
})

async function changing(test: TestContext) {
  const admin = await ConfigStandIn.start(test, OLD)
  const { old, changed, bad } = await files(test, { old: OLD, changed: NEW, bad: `${OLD}nonsense: 1\n` })
  return {
    admin,
    old,
    changed,
    bad,
    apply: (...argv: string[]) => sluice(['apply', ...argv, '--admin', admin.url]),
    rollback: (...argv: string[]) => sluice(['rollback', ...argv, '--admin', admin.url]),
  }
}

describe('sluice apply', () => {
  it('shows what it would do, and does nothing without --yes', async (test) => {
    const { admin, changed, apply } = await changing(test)
    admin.warnings = [{ file: 'body', line: 6, column: 5, key: 'routes[1]', message: 'it matches everything' }]
    assert.deepEqual(await apply(changed), {
      code: 0,
      out: `${changed} to ${admin.url}, over version 1\n${LINES.join('\n')}\n${SUMMARY}Nothing is written: --yes does it.\n`,
      err: `${changed}:6:5 routes[1]: warning: it matches everything\n`,
    })
    assert.equal(admin.versions.length, 1)
  })

  it('writes over the version that it was compared with, says who and why, and waits for every gateway', async (test) => {
    const { admin, changed, apply } = await changing(test)
    let looks = 0
    admin.fleet = (version) => [served('gw-1', version), served('gw-\x1b2', ++looks < 3 ? 1 : version)]
    const { code, out, err } = await apply(changed, '--yes', '--message', 'größer\nand better')
    assert.equal(err, '')
    assert.equal(code, 0)
    assert.ok(out.endsWith('version 2 is written\ngw-1: serves version 2\ngw-·2: serves version 2\n'), out)
    assert.equal(looks, 3)
    const { text, author, message } = admin.latest
    assert.deepEqual([text, author, message], [NEW, `${userInfo().username}@${hostname()}`, 'größer and better'])
  })

  it('does not wait with --no-wait', async (test) => {
    const { admin, changed, apply } = await changing(test)
    const { code, out } = await apply(changed, '-y', '--no-wait')
    assert.equal(code, 0)
    assert.ok(out.endsWith('version 2 is written\n'))
    assert.ok(!admin.asked.some((path) => path.includes('fleet')))
  })

  it('exits 1 when a gateway refuses the version, or does not look at it in time', async (test) => {
    const { admin, changed, apply } = await changing(test)
    const errors = ['etcd:/sluice/edge/routes/new:1:2 no upstream', 'and 1 more']
    admin.fleet = (version) => [
      served('gw-1', version, { state: 'rejected', errors }),
      served('gw-2', 1, { seen: version, state: 'rejected' }),
      served('gw-3', 1),
      { instance: 'gw-4', status: null, about: null },
    ]
    const { code, out } = await apply(changed, '--yes', '--wait', '100ms')
    assert.equal(code, 1)
    assert.match(
      out,
      /gw-1: serves version 2, but not all of it: etcd:\/sluice\/edge\/routes\/new:1:2 no upstream \(and 1 more\)/,
    )
    assert.match(out, /gw-2: refuses version 2, serves 1: no reason is given/)
    assert.match(out, /gw-4: has not told what it serves after 0\.1 s/)
    assert.match(out, /gw-3: serves version 1, and has not looked at 2 after 0\.1 s/)
  })

  it('writes nothing when somebody was faster, and shows what differs now', async (test) => {
    const { admin, changed, apply } = await changing(test)
    admin.beforeWrite = () => void admin.store(OLD.replace('/a', '/c'), 'ann@host', 'to c')
    const { code, out, err } = await apply(changed, '--yes')
    assert.equal(code, 1)
    assert.match(err, /somebody else has changed .*: version 2 by ann@host \(to c\); nothing is written/)
    assert.match(out, /over version 1\n[^]*over version 2\n~ routes\/users.match.path: "\/c" -> "\/b"/)
    assert.equal(admin.versions.length, 2)
  })

  it('tells the problems of a file that is not valid', async (test) => {
    const { admin, bad, apply } = await changing(test)
    for (const more of [[], ['--yes']]) {
      const { code, out, err } = await apply(bad, ...more)
      assert.deepEqual([code, out], [1, ''])
      assert.equal(err, `${bad}:3:1 nonsense: unknown key\nsluice apply: ${bad} is not valid\n`)
    }
    assert.equal(admin.versions.length, 1)
  })

  it('says so when nothing differs', async (test) => {
    const { old, apply } = await changing(test)
    assert.match((await apply(old)).out, /\nno change\nThe text may differ in comments and order\.\n/)
  })
})

describe('sluice rollback', () => {
  it('goes back to the version before, or to the one that is named', async (test) => {
    const { admin, rollback } = await changing(test)
    admin.store(NEW, 'ann@host', 'second')
    admin.store(NEW.replace('/b', '/c'), 'ann@host', 'third')
    const dry = await rollback()
    assert.equal(dry.code, 0)
    assert.match(
      dry.out,
      /from version 3 back to 2\n~ routes\/users\.match\.path: "\/c" -> "\/b"\n1 change: 1 changed\n/,
    )
    assert.match(dry.out, /--yes does it/)
    assert.equal(admin.versions.length, 3)
    const done = await rollback('@1', '--yes')
    assert.equal(done.code, 0, done.err)
    assert.match(done.out, /version 4 is written\ngw-1: serves version 4\n/)
    assert.deepEqual([admin.latest.text, admin.latest.message], [OLD, 'back to version 1'])
    assert.match((await rollback('4', '--yes')).out, /There is nothing to write/)
  })

  it('says why it cannot', async (test) => {
    const { admin, rollback } = await changing(test)
    assert.match((await rollback()).err, /no version before 1 is known/)
    assert.match((await rollback('7')).err, /version 7 is not kept/)
    assert.equal((await rollback('soon')).code, 2)
    admin.store(NEW, '', '')
    admin.beforeWrite = () => void admin.store(OLD, '', '')
    const { code, err } = await rollback('--yes')
    assert.equal(code, 1)
    assert.match(err, /version 3 by somebody.*; nothing is written/)
  })
})

describe('sluice history and sluice fleet', () => {
  it('print tables, and JSON', async (test) => {
    const { admin } = await changing(test)
    admin.store(NEW, 'ann@host', 'second\x1b[2J')
    admin.fleet = (version) => [
      served('gw-1', version),
      served('gw-2', 1, { seen: 2, state: 'rejected', errors: ['x'] }),
    ]
    const history = await sluice(['history', '--admin', admin.url])
    assert.deepEqual(history.out.split('\n'), [
      'VERSION  TIME                 AUTHOR    CHANGES  MESSAGE',
      '2*       2026-11-21 18:00:02  ann@host  1        second·[2J',
      '1        2026-11-21 18:00:01  start     1        admin',
      '',
    ])
    const { versions } = JSON.parse((await sluice(['history', '--json', '--admin', admin.url])).out) as {
      versions: any[]
    }
    assert.deepEqual(
      versions.map(({ version, serving }: any) => [version, serving]),
      [
        [2, true],
        [1, false],
      ],
    )
    const fleet = await sluice(['fleet', '--admin', admin.url])
    assert.deepEqual(fleet.out.split('\n'), [
      'INSTANCE  VERSION  STATE     SINCE                ERROR',
      'gw-1      2        serving   2026-11-21 00:00:00  -',
      'gw-2      1        rejected  2026-11-21 00:00:00  x',
      '',
    ])
    const { instances } = JSON.parse((await sluice(['fleet', '--json', '--admin', admin.url])).out) as {
      instances: any[]
    }
    assert.equal(instances[1].seen, 2)
  })
})

describe('sluice drain', () => {
  it('waits until the gateway is gone', async (test) => {
    const admin = await ConfigStandIn.start(test, OLD)
    admin.inFlight = 3
    let looks = 0
    admin.beforeStats = () => {
      if (++looks === 4) admin.stop()
    }
    const { code, out } = await sluice(['drain', '--admin', admin.url])
    assert.equal(code, 0)
    assert.deepEqual(
      admin.asked.slice(0, 3),
      ['GET', 'POST', 'GET'].map((method, i) => `${method} /admin/v1/${i === 1 ? 'drain' : 'stats'}`),
    )
    assert.match(out, /: draining\n.*it has ended; 3 requests under way at the last look\n$/)
  })

  it('does not take a gateway for gone that is only silent', async (test) => {
    const server = createHttpServer((request, response) => {
      if (++asked < 3) response.end('{}')
      else if (asked === 3) request.socket.destroy()
    })
    let asked = 0
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    test.after(() => {
      server.close()
      server.closeAllConnections()
    })
    const { port } = server.address() as { port: number }
    const { code, err } = await sluice(['drain', '--admin', `http://127.0.0.1:${port}`, '--wait', '300ms'])
    assert.equal(code, 1)
    assert.match(err, /not over after 0\.3 s/)
    assert.equal(asked, 4)
  })

  it('gives up after --wait', async (test) => {
    const admin = await ConfigStandIn.start(test, OLD)
    admin.inFlight = 1
    const { code, err } = await sluice(['drain', '--admin', admin.url, '--wait', '100ms'])
    assert.equal(code, 1)
    assert.match(err, /not over after 0\.1 s; 1 request /)
  })
})

describe('verbs that talk to a gateway', () => {
  it('say what is wrong in one line, and never fall', async (test) => {
    const { file } = await files(test, { file: OLD })
    const admin = await ConfigStandIn.start(test, OLD)
    admin.token = 'a-token-of-sixteen'
    const strange = createServer((socket) => {
      socket.on('error', () => {})
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"\x1b[2J":1')
    })
    await new Promise<void>((resolve) => void strange.listen(0, '127.0.0.1', resolve))
    test.after(() => strange.close())
    const gone = `http://127.0.0.1:${await refusingPort()}`
    const verbs = [['apply', file], ['rollback'], ['history'], ['fleet'], ['drain']]
    for (const [verb = '', ...argv] of verbs) {
      const away = await sluice([verb, ...argv, '--admin', gone])
      assert.deepEqual([away.code, away.out], [1, ''])
      assert.match(away.err, new RegExp(`^sluice ${verb}: ${gone}: .*ECONNREFUSED.*\n$`))
      const closed = await sluice([verb, ...argv, '--admin', admin.url])
      assert.deepEqual([closed.code, closed.out], [1, ''])
      assert.match(closed.err, /^.*answers 401: a token is needed.*\nIts token: --token-file.*\n$/)
      const { port } = strange.address() as { port: number }
      const odd = await sluice([verb, ...argv, '--admin', `http://127.0.0.1:${port}`])
      assert.equal(odd.code, 1)
      assert.match(odd.err, /not JSON/)
      assert.equal((await sluice([verb, ...argv, '--nonsense'])).code, 2)
      const help = await sluice([verb, '--help'])
      assert.deepEqual([help.code, help.err], [0, ''])
      assert.match(help.out, new RegExp(`^Usage: sluice ${verb} `))
    }
    const { code } = await sluice(['history', '--admin', admin.url], { SLUICE_ADMIN_TOKEN: admin.token })
    assert.equal(code, 0)
  })
})
