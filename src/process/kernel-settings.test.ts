import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { describeMigration, migrateQueues } from './kernel-settings.ts'

it('the kernel is told once to move clients that wait, and what it costs when it cannot be', async (test) => {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-kernel-'))
  test.after(() => rm(directory, { recursive: true }))
  const file = join(directory, 'setting')
  assert.equal(await migrateQueues(file), 'absent')
  await writeFile(file, '0\n')
  assert.equal(await migrateQueues(file), 'set')
  assert.equal(await readFile(file, 'utf8'), '1')
  assert.equal(await migrateQueues(file), 'on')
  assert.equal(describeMigration('on'), null)
  assert.equal(describeMigration('set')!.level, 'info')
  assert.match(
    describeMigration('denied')!.message,
    /may be reset; set it with sysctl -w net\.ipv4\.tcp_migrate_req=1$/,
  )
  assert.equal(describeMigration('absent')!.level, 'warn')
})
