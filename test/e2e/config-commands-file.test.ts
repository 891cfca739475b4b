// The verbs on the write side of the admin API, with a configuration file behind it.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { hostname, userInfo } from 'node:os'
import { describe, it } from 'node:test'
import { FileControl, TEXT, TOKEN } from '../lab/file-control.ts'
import { files, sluice } from '../lab/sluice.ts'

const CHANGED = TEXT.replace('match: { path: /users }', 'match: { path: /people } # renamed')
const LINE = '~ routes/users.match.path: "/users" -> "/people"\n'

describe('verbs on a gateway with a file', () => {
  it('change it, look back and go back', async (test) => {
    const control = await FileControl.start(test, TEXT, TOKEN)
    const { changed, bad } = await files(test, {
      changed: CHANGED,
      bad: CHANGED.replace('upstream: users', 'upstream: user'),
    })
    const address = `http://127.0.0.1:${control.listener.port}`
    const verb = (...argv: string[]) => sluice([...argv, '--admin', address], { SLUICE_ADMIN_TOKEN: TOKEN })

    assert.deepEqual(await verb('diff', 'live', changed), { code: 1, out: `${LINE}1 change: 1 changed\n`, err: '' })
    const dry = await verb('apply', changed)
    assert.equal(dry.code, 0, dry.err)
    assert.ok(dry.out.includes(`over version 1\n${LINE}`), dry.out)
    assert.equal(await control.onDisk(), TEXT)

    const refused = await verb('apply', bad, '--yes')
    assert.equal(refused.code, 1)
    assert.match(
      refused.err,
      /bad:\d+:\d+ routes\[0\]\.upstream: there is no upstream "user"; did you mean "users"\?\n/,
    )
    assert.equal(await control.onDisk(), TEXT)

    const done = await verb('apply', changed, '--yes', '-m', 'ünïcode')
    assert.equal(done.code, 0, done.err)
    assert.ok(done.out.endsWith(`version 2 is written\n${address}: serves version 2\n`), done.out)
    assert.equal(await control.onDisk(), CHANGED)
    assert.match((await verb('apply', changed, '--yes')).out, /nothing is written: version 2 says the same\n/)

    const back = await verb('rollback', '--yes')
    assert.equal(back.code, 0, back.err)
    assert.match(back.out, /from version 2 back to 1\n~ .*"\/people" -> "\/users"\n[^]*version 3 is written/)
    assert.equal(await control.onDisk(), TEXT)
    assert.deepEqual(await verb('diff', '@2', 'live'), {
      code: 1,
      out: '~ routes/users.match.path: "/people" -> "/users"\n1 change: 1 changed\n',
      err: '',
    })
    const { versions } = JSON.parse((await verb('history', '--json')).out) as { versions: any[] }
    const author = `${userInfo().username}@${hostname()}`
    assert.deepEqual(
      versions.map(({ version, author: who, message, changes, serving }) => [version, who, message, changes, serving]),
      [
        [3, author, 'back to version 1', 1, true],
        [2, author, 'ünïcode', 1, false],
        [1, 'file', 'start', null, false],
      ],
    )
  })

  it('overwrite nothing that somebody has changed on disk', async (test) => {
    const control = await FileControl.start(test, TEXT, TOKEN)
    const { changed } = await files(test, { changed: CHANGED })
    await writeFile(control.file, `${TEXT}# by hand\n`)
    const address = `http://127.0.0.1:${control.listener.port}`
    const { code, err } = await sluice(['apply', changed, '--yes', '--admin', address], { SLUICE_ADMIN_TOKEN: TOKEN })
    assert.equal(code, 1)
    assert.match(err, /^sluice apply: .*; nothing is written\n/m)
    assert.equal(await control.onDisk(), `${TEXT}# by hand\n`)
  })
})
