// config/systemd/sluice.service starts what there is, gives the gateway time to drain, and takes away what it does not need.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ROOT } from './sources.ts'

const checkout = fileURLToPath(ROOT)
const unit = await readFile(new URL('config/systemd/sluice.service', ROOT), 'utf8')

/** What systemd would read, on this machine: Node and the checkout are where they are here. */
const here = unit.replaceAll('/usr/bin/node', process.execPath).replaceAll('/opt/sluice/', checkout)

function values(key: string): string[] {
  return Array.from(unit.matchAll(new RegExp(`^${key}=(.*)$`, 'gm')), ([, value]) => value!)
}

/** Exit code and what was printed; code -1 when there is no such program. */
function analyze(...argv: readonly string[]): Promise<{ code: number; text: string }> {
  return new Promise((resolve) => {
    execFile('systemd-analyze', argv, (error, out, err) => {
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, text: out + err })
    })
  })
}

describe('the systemd unit', () => {
  it('starts, checks and reloads by commands that there are', () => {
    const commands = ['ExecStartPre', 'ExecStart', 'ExecReload'].flatMap(values)
    assert.equal(commands.length, 5)
    for (const command of commands.filter((each) => each.includes('node'))) {
      const [, script = '', verb = ''] = /^\/usr\/bin\/node \/opt\/sluice\/(\S+) (\w+) /.exec(command) ?? []
      assert.ok(existsSync(join(checkout, script)), command)
      assert.ok(existsSync(join(checkout, `src/cli/${verb}.ts`)), command)
    }
    assert.deepEqual(values('ExecReload').at(-1), '/bin/kill -HUP $MAINPID')
  })

  it('waits for longer than the default drain', () => {
    assert.deepEqual(values('KillSignal'), ['SIGTERM'])
    assert.ok(Number(values('TimeoutStopSec')[0]) > 30)
  })

  it('has no fault that systemd finds, and little exposure', async (t) => {
    const directory = await mkdtemp(join(tmpdir(), 'sluice-unit-'))
    t.after(() => rm(directory, { recursive: true }))
    const file = join(directory, 'sluice.service')
    await writeFile(file, here)
    const verified = await analyze('verify', file)
    if (verified.code === -1) return t.skip('there is no systemd-analyze on this machine')
    assert.deepEqual(verified, { code: 0, text: '' })
    // 0 to 100; an unhardened service has 96.
    assert.equal((await analyze('security', '--offline=true', '--threshold=20', file)).code, 0)
  })
})
