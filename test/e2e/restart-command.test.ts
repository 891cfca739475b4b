// `sluice restart`, and restarts of gateways that were started by scripts/sluice.
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { readFile, stat, symlink, unlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { GatewayProcess } from '../lab/gateway.ts'
import { until } from '../lab/poll.ts'
import { LEFT, makeEntry, SERVES, temporaryDirectory } from '../lab/restarts.ts'

const MAIN = new URL('../../src/cli/main.ts', import.meta.url).pathname
const YAML = `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0' }]
admin: { bind: '127.0.0.1:0' }
routes: []
`

function restart(...argv: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, 'restart', ...argv], (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    )
  })
}

describe('sluice restart', () => {
  it('finds the process by its file, which goes with it', async (test) => {
    const file = join(await temporaryDirectory(test), 'pid')
    const gateway = await GatewayProcess.start(test, YAML, { argv: ['--pid-file', file] })
    assert.equal(await readFile(file, 'utf8'), `${gateway.pid}\n`)
    const { code, out } = await restart('--pid', file)
    assert.deepEqual([code, out], [0, `asked process ${gateway.pid} to restart; its log says how it goes\n`])
    await gateway.waitForNext(LEFT)
    assert.equal(await readFile(file, 'utf8'), `${gateway.pid}\n`)
    assert.equal(await gateway.stop(), 0)
    await assert.rejects(stat(file), { code: 'ENOENT' })
  })

  it('finds it by its admin listener, and waits until another process serves; also the second time', async (test) => {
    const gateway = await GatewayProcess.start(test, YAML)
    let before = gateway.pid
    for (let i = 0; i < 2; i++) {
      const { code, out, err } = await restart('--admin', `http://127.0.0.1:${gateway.port('admin')}`)
      const pid = (await gateway.waitForNext(SERVES))['pid'] as number
      assert.deepEqual([code, out, err], [0, `process ${pid} serves in place of ${before}\n`, ''])
      before = pid
    }
  })

  it('tells when the one before serves on', async (test) => {
    const entry = await makeEntry(test)
    const gateway = await GatewayProcess.start(test, YAML, { entry: entry.path })
    await entry.replace("throw new Error('broken')")
    const { code, err } = await restart('--admin', `http://127.0.0.1:${gateway.port('admin')}`, '--timeout', '2s')
    assert.deepEqual([code, err], [1, `sluice restart: process ${gateway.pid} still serves; its log says why\n`])
  })

  it('says what is wrong with what it was told', async (test) => {
    const file = join(await temporaryDirectory(test), 'pid')
    assert.match((await restart('--pid', file)).err, /ENOENT/)
    for (const text of ['', '-1', '1', 'x', '1e400']) {
      await writeFile(file, text)
      const { code, err } = await restart('--pid', file)
      assert.deepEqual([code, err], [1, `sluice restart: ${file} holds no process id\n`])
    }
    for (const argv of [[], ['x'], ['--admin', 'ftp://x'], ['--pid', file, '--timeout', 'soon'], ['--nonsense']]) {
      const { code, err } = await restart(...argv)
      assert.equal(code, 2)
      assert.match(err, /^sluice restart: .*\nUsage: sluice restart/)
    }
  })

  it('ends no other program, whatever id it is told', async (test) => {
    const other = spawn('sleep', ['60'])
    test.after(() => other.kill('SIGKILL'))
    const file = join(await temporaryDirectory(test), 'pid')
    await writeFile(file, `${other.pid}`)
    const server = createServer((_request, response) => {
      response.end(JSON.stringify({ pid: other.pid }))
    })
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    test.after(() => server.close())
    const admin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    for (const argv of [
      ['--pid', file],
      ['--admin', admin],
    ]) {
      const { code, err } = await restart(...argv)
      assert.deepEqual([code, err], [1, `sluice restart: process ${other.pid} on this machine is no gateway\n`])
    }
    assert.deepEqual([other.exitCode, other.signalCode], [null, null])
  })
})

it('links on the way to the code are followed anew', async (test) => {
  const directory = await temporaryDirectory(test)
  const [one, two] = [await makeEntry(test), await makeEntry(test)]
  await two.replace(`process.stderr.write('the second\\n')\nawait import('${MAIN}')`)
  const current = join(directory, 'current.mjs')
  await symlink(one.path, current)
  const gateway = await GatewayProcess.start(test, YAML, { entry: current })
  await unlink(current)
  await symlink(two.path, current)
  gateway.signal('SIGUSR2')
  const { pid } = await gateway.waitForNext(SERVES)
  const command = await readFile(`/proc/${pid as number}/cmdline`, 'utf8')
  assert.ok(command.includes(current))
  await until(() => gateway.errors.includes('the second'), 'what only the second says')
})

it('scripts/sluice is called again by its own path', async (test) => {
  const directory = await temporaryDirectory(test)
  const launcher = join(directory, 'launcher')
  // As scripts/sluice does it, without its setup.
  const flags = '--disable-warning=ExperimentalWarning'
  await writeFile(
    launcher,
    `#!/bin/sh\necho called >>'${directory}/calls'\nexec '${process.execPath}' ${flags} '${MAIN}' "$@"\n`,
    {
      mode: 0o755,
    },
  )
  const gateway = await GatewayProcess.start(test, YAML, { env: { SLUICE_LAUNCHER: launcher } })
  gateway.signal('SIGUSR2')
  await gateway.waitForNext(LEFT)
  assert.equal(await readFile(join(directory, 'calls'), 'utf8'), 'called\n')
  assert.equal(await gateway.stop(), 0)
  assert.match(
    await readFile(new URL('../../scripts/sluice', import.meta.url), 'utf8'),
    /^export SLUICE_LAUNCHER$[^]*^exec node/m,
  )
})
