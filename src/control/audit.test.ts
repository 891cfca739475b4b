import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import type { Logger } from '../telemetry/logger.ts'
import { AuditLog, type AuditEntry, type AuditEvent } from './audit.ts'

async function place(test: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-audit-'))
  test.after(() => rm(directory, { recursive: true, force: true }))
  const logged: unknown[] = []
  const log = { info: (line: unknown) => logged.push(line), error: (line: unknown) => logged.push(line) }
  return { directory, logged, log: log as unknown as Logger }
}

const event = (target: string): AuditEvent => ({
  actor: { author: 'ann@host', peer: '127.0.0.1', by: 'token' },
  action: 'route.patch',
  target,
  result: 'done',
  from: 1,
  to: 2,
  message: '',
  reason: '',
})

describe('the audit log', () => {
  it('keeps the order, goes to the log too, and is there again after a restart', async (test) => {
    const { directory, log, logged } = await place(test)
    const audit = await AuditLog.open({ directory, log })
    await Promise.all(Array.from({ length: 50 }, (_, i) => audit.record(event(`r${i}\n"`))))
    const again = await AuditLog.open({ directory, log })
    const targets = again.recent(3).map(({ target }) => target)
    assert.deepEqual(targets, ['r49\n"', 'r48\n"', 'r47\n"'])
    assert.deepEqual(audit.recent(1000), again.recent(1000))
    assert.equal(logged.length, 50)
  })

  it('loses no line to half of one that a crash has left', async (test) => {
    const { directory, log } = await place(test)
    await writeFile(join(directory, 'audit.jsonl'), '{"time":1,"act')
    const audit = await AuditLog.open({ directory, log })
    await audit.record(event('a'))
    await audit.record(event('b'))
    const again = await AuditLog.open({ directory, log })
    assert.deepEqual(
      again.recent(9).map(({ target }) => target),
      ['b', 'a'],
    )
  })

  it('is rotated, and five files are kept', async (test) => {
    const { directory, log } = await place(test)
    const audit = await AuditLog.open({ directory, log, mostBytes: 1000 })
    for (let i = 0; i < 100; i++) await audit.record(event(`r${i}`))
    const files = (await readdir(directory)).toSorted()
    assert.deepEqual(files, ['audit.jsonl', ...[1, 2, 3, 4, 5].map((n) => `audit.jsonl.${n}`)])
    const kept: string[] = []
    for (const file of [...files.slice(1).toReversed(), files[0]!]) {
      const text = await readFile(join(directory, file), 'utf8')
      assert.ok(text.length <= 1000)
      kept.push(...text.trim().split('\n'))
    }
    const targets = kept.map((line) => (JSON.parse(line) as AuditEntry).target)
    assert.deepEqual(
      targets,
      Array.from({ length: targets.length }, (_, i) => `r${100 - targets.length + i}`),
    )
  })

  it('says when it cannot be written, and follows no link', async (test) => {
    const { directory, log } = await place(test)
    await writeFile(join(directory, 'other'), '')
    await symlink('other', join(directory, 'audit.jsonl'))
    const audit = await AuditLog.open({ directory, log })
    await assert.rejects(audit.record(event('r')))
    await audit.note(event('r'))
    assert.equal(await readFile(join(directory, 'other'), 'utf8'), '')
    const nowhere = await AuditLog.open({ directory: null, log })
    await nowhere.record(event('r'))
    assert.equal(nowhere.recent(10).length, 1)
  })

  it('leaves out lines that are damaged', async (test) => {
    const { directory, log } = await place(test)
    const audit = await AuditLog.open({ directory, log })
    await audit.record(event('good'))
    const file = join(directory, 'audit.jsonl')
    await writeFile(file, `null\n{"half\n${await readFile(file, 'utf8')}`)
    assert.deepEqual(
      (await AuditLog.open({ directory, log })).recent(10).map(({ target }) => target),
      ['good'],
    )
  })
})
