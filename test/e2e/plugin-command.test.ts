// `sluice plugin`: what it writes works at once, in an editor, in a test and in a gateway.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { GatewayProcess } from '../lab/gateway.ts'
import { RawClient } from '../lab/raw-client.ts'

const MAIN = new URL('../../src/cli/main.ts', import.meta.url).pathname
const TYPESCRIPT = new URL('../../node_modules/.bin/tsc', import.meta.url).pathname

interface Ended {
  readonly code: number
  readonly output: string
}

function run(cwd: string, command: string, argv: readonly string[]): Promise<Ended> {
  // A test inside a test would report to the outer one.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  return new Promise((resolve) => {
    execFile(command, argv, { cwd, env }, (error, stdout, stderr) => {
      const code = error === null ? 0 : ((error.code as number | undefined) ?? 1)
      resolve({ code, output: stdout + stderr })
    })
  })
}

async function folder(test: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-plugin-'))
  test.after(() => rm(directory, { recursive: true, force: true }))
  return directory
}

const sluice = (cwd: string, ...argv: readonly string[]): Promise<Ended> =>
  run(cwd, process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, ...argv])

describe('sluice plugin', () => {
  it('writes a plugin whose types, test and requests are right', async (test) => {
    const directory = await folder(test)
    const written = await sluice(directory, 'plugin', 'new', 'hello-world')
    assert.equal(written.code, 0, written.output)
    const types = await run(join(directory, 'my-plugins'), TYPESCRIPT, ['-p', '.'])
    assert.equal(types.code, 0, types.output)
    const tested = await sluice(directory, 'plugin', 'test')
    assert.equal(tested.code, 0, tested.output)
    assert.match(tested.output, /greets/)

    const gateway = await GatewayProcess.start(
      test,
      `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0' }]
pluginDirectories: ['${join(directory, 'my-plugins')}']
plugins: { hello-world: { greeting: hello } }
routes: [{ name: all, respond: {} }]`,
    )
    const client = await RawClient.connect(test, gateway.port('main'))
    assert.equal((await client.get('/greeting')).body.toString(), 'hello')
    assert.equal((await client.get('/')).header('x-greeting'), 'hello')
  })

  it('fails when a test of a plugin fails', async (test) => {
    const directory = await folder(test)
    await sluice(directory, 'plugin', 'new', 'hello', 'plugins')
    const file = join(directory, 'plugins/hello/plugin.test.ts')
    await writeFile(file, (await readFile(file, 'utf8')).replace("'hello']", "'goodbye']"))
    const tested = await sluice(directory, 'plugin', 'test', 'plugins')
    assert.equal(tested.code, 1, tested.output)
  })

  it('overwrites nothing, and says what is wrong', async (test) => {
    const directory = await folder(test)
    await sluice(directory, 'plugin', 'new', 'hello')
    const again = await sluice(directory, 'plugin', 'new', 'hello')
    assert.deepEqual([again.code, /exists already/.test(again.output)], [1, true])
    for (const argv of [['new'], ['new', 'Bad Name'], ['old', 'x'], ['new', 'a', 'b', 'c'], []]) {
      assert.equal((await sluice(directory, 'plugin', ...argv)).code, 2, argv.join(' '))
    }
    assert.equal((await sluice(directory, 'plugin', 'test', 'nowhere')).code, 1)
  })
})
