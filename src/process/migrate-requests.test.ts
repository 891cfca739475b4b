import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { migrateRequests } from './migrate-requests.ts'

describe('the setting that saves waiting connections', () => {
  it('is switched on where that is possible, and left alone where it is on', async (test) => {
    const directory = await mkdtemp(join(tmpdir(), 'sluice-test-'))
    test.after(() => rm(directory, { recursive: true }))
    const setting = join(directory, 'tcp_migrate_req')
    assert.equal(await migrateRequests(setting), 'none')
    await writeFile(setting, '0\n')
    assert.equal(await migrateRequests(setting), 'set')
    assert.equal(await readFile(setting, 'utf8'), '1')
    assert.equal(await migrateRequests(setting), 'on')
  })

  it('is told of where it may not be changed', async () => {
    // A file of the kernel that nobody may write, not even root.
    assert.equal(await migrateRequests('/proc/version'), 'off')
  })
})
