// What the Dockerfile says, instruction by instruction. That it works is for test/e2e/image.test.ts.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { all, copyOf, execForm, healthCheckOf, only, parseDockerfile } from '../lab/image/dockerfile.ts'
import { parseIgnore } from '../lab/image/ignore.ts'
import { CONTEXT, readRecipe } from '../lab/image/layout.ts'

const { stages, ignored } = await readRecipe()
const final = stages.at(-1)!

describe('the Dockerfile', () => {
  it('pins its base images, and Node as the scripts do', async () => {
    for (const { base } of stages) assert.match(base, /^[a-z]+:\d+\.\d+(?:\.\d+)?-(?:[a-z]+-)?slim$/)
    const [, wanted] = /^NODE_WANTED=(\S+)/m.exec(await readFile(join(CONTEXT, 'scripts/lib.sh'), 'utf8'))!
    assert.ok(stages[0]!.base.startsWith(`node:${wanted}-trixie-`), 'the Node of scripts/lib.sh, on glibc 2.41')
    // Node and the packages are linked against the C library of the stage where they come from.
    assert.match(final.base, /^debian:13\./, 'Debian 13 is trixie')
  })

  it('ends in a stage that runs as nobody in particular, with nothing but what was copied', () => {
    const [, user, group] = /^(\d+):(\d+)$/.exec(only(final, 'USER').text) ?? []
    assert.ok(Number(user) >= 10_000 && Number(group) >= 10_000, 'numeric, neither root nor a user of the base image')
    assert.deepEqual(all(final, 'RUN'), [])
    // Whoever comes after USER would own or run it otherwise.
    const order = final.instructions.map(({ keyword }) => keyword)
    assert.ok(order.lastIndexOf('COPY') < order.indexOf('USER'))
  })

  it('starts the gateway without a shell in between, and stops it by the signal that drains', () => {
    const command = execForm(only(final, 'ENTRYPOINT').text)
    assert.deepEqual(command, ['node', '/app/src/cli/main.ts'])
    assert.deepEqual(execForm(only(final, 'CMD').text), ['run', '--config', '/etc/sluice/gateway.yaml'])
    assert.equal(only(final, 'STOPSIGNAL').text, 'SIGTERM')
    const { options, command: probe } = healthCheckOf(only(final, 'HEALTHCHECK'))
    assert.deepEqual([...options.keys()], ['interval', 'timeout', 'start-period', 'retries'])
    assert.deepEqual(probe, [...command, 'health'])
  })

  it('installs exactly what the lock file says, without development packages and install scripts', () => {
    const { text } = only(stages[0]!, 'RUN')
    assert.match(text, /^npm ci --omit=dev --ignore-scripts && /)
  })

  it('copies only what is there, what the build may see, and what earlier stages have', () => {
    let fromContext = 0
    for (const [i, stage] of stages.entries()) {
      for (const { from, sources } of all(stage, 'COPY').map(copyOf)) {
        if (from !== '') {
          assert.ok(stages.slice(0, i).some(({ name }) => name === from))
          continue
        }
        for (const source of sources) {
          fromContext++
          assert.ok(existsSync(join(CONTEXT, source)), `${source} is in the checkout`)
          assert.ok(!ignored(source), `${source} is not in .dockerignore`)
        }
      }
    }
    assert.ok(fromContext >= 6)
  })

  it('gets to see no secrets, no tests and no leftovers', () => {
    const hidden = '.env .git/config node_modules/undici/package.json gateway.log test/lab/poll.ts Dockerfile'.split(
      ' ',
    )
    const within = 'src/base/cookies.test.ts plugins/jwt/plugin.test.ts config/examples/respond.yaml'.split(' ')
    for (const path of hidden.concat(within)) {
      assert.ok(ignored(path), path)
    }
    assert.ok(!ignored('src/base/cookies.ts'))
  })
})

describe('the reading of Dockerfiles', () => {
  it('joins continued lines and passes over comments', () => {
    const [stage] = parseDockerfile('# a\nFROM x:1 AS a\nRUN one \\\n # b\n  two\n')
    assert.deepEqual(stage, { base: 'x:1', name: 'a', instructions: [{ keyword: 'RUN', text: 'one two', line: 3 }] })
  })

  it('refuses what it does not know', () => {
    const wrong = ['', 'RUN a', 'from x', 'FROM', 'FROM a b', 'FROM a\nADD b c', 'FROM a\nRUN b \\', 'FROM a\nUSER']
    for (const text of wrong) assert.throws(() => parseDockerfile(text), text)
    const copy = (text: string) => copyOf({ keyword: 'COPY', text, line: 1 })
    for (const text of ['--chown=a b c', 'a', 'a* b', '["a", "b"]']) assert.throws(() => copy(text), text)
    assert.deepEqual(copy('--from=a b c d/'), { from: 'a', sources: ['b', 'c'], target: 'd/' })
    for (const text of ['node', '[]', '[1]', '{}']) assert.throws(() => execForm(text), text)
  })

  it('knows what .dockerignore hides', () => {
    const hides = parseIgnore('# all\n*\n!src\n!a/b\n**/*.test.ts\n!/src/keep.test.ts\nsrc/?.txt\n')
    const seen = ['src/a.ts', 'src/b/c.ts', 'a/b/c', 'src/keep.test.ts', 'src/ab.txt', 'src/b/a.txt']
    const hidden = ['x', 'a/c', 'src/a.test.ts', 'src/b/c.test.ts', 'src/a.txt', 'b/src']
    assert.deepEqual([...seen, ...hidden].filter(hides), hidden)
  })
})
