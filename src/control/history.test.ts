import assert from 'node:assert/strict'
import { appendFile, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import type { Logger } from '../telemetry/logger.ts'
import type { ConfigTexts } from './config-authority.ts'
import { ConfigHistory, type HistoryOptions } from './history.ts'
import { applyDelta, deltaOf } from './text-delta.ts'

const log = { info() {}, error() {} } as unknown as Logger

async function directoryOf(test: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-history-'))
  test.after(() => rm(directory, { recursive: true, force: true }))
  return directory
}

const open = (directory: string | null, more: Partial<HistoryOptions> = {}) =>
  ConfigHistory.open({ directory, log, ...more })

function record(history: ConfigHistory, version: number, texts: ConfigTexts): void {
  const info = { version, time: version * 1000, author: `author ${version}`, message: 'm', why: 'admin' }
  history.record(info, texts, [{ key: 'zone', path: '', kind: 'changed', before: version - 1, after: version }])
}

/** Many items, of which each version changes one and drops another. */
function itemsOf(version: number, count = 200): ConfigTexts {
  const items = new Map<string, string>()
  for (let i = 0; i < count; i++) if (i !== version % 7) items.set(`routes/r${i}`, `upstream: u\npriority: ${i}\n`)
  return items.set(`routes/r${version % 50}`, `upstream: v${version}\n`)
}

function assertTexts(found: ConfigTexts | null, wanted: ConfigTexts): void {
  assert.deepEqual(Object.fromEntries(found!), Object.fromEntries(wanted))
}

describe('the history of configurations', () => {
  it('gives each of its versions whole, and drops the oldest', async () => {
    const history = await open(null)
    for (let version = 1; version <= 80; version++) record(history, version, itemsOf(version))
    assert.deepEqual(
      history.reports().map(({ version }) => version),
      Array.from({ length: 50 }, (_, i) => 80 - i),
    )
    for (let version = 31; version <= 80; version++) assertTexts(history.textsOf(version), itemsOf(version))
    assert.deepEqual([history.textsOf(30), history.changesOf(30), history.before(31)], [null, null, null])
    assert.equal(history.before(80), 79)
  })

  it('holds what differs, not 50 configurations', async () => {
    const history = await open(null, { mostSize: 600_000 })
    for (let version = 1; version <= 60; version++) record(history, version, itemsOf(version, 10_000))
    assert.equal(history.reports().length, 50)
    const large = (version: number): ConfigTexts => new Map([['file', `${version}`.repeat(100_000)]])
    for (let version = 61; version <= 70; version++) record(history, version, large(version))
    assert.ok(history.reports().length < 10)
    assertTexts(history.textsOf(70), large(70))
  })

  it('is there again after a restart', async (test) => {
    const directory = await directoryOf(test)
    const first = await open(directory)
    for (let version = 1; version <= 20; version++) record(first, version, itemsOf(version))
    await first.close()
    const second = await open(directory)
    assert.deepEqual(second.reports(), first.reports())
    for (let version = 1; version <= 20; version++) assertTexts(second.textsOf(version), itemsOf(version))
    assert.equal(second.changesOf(3)![0]!.after, 3)
    record(second, 20, itemsOf(20))
    assert.equal(second.reports().length, 20)
    record(second, 21, itemsOf(21))
    await second.close()
    assertTexts((await open(directory)).textsOf(21), itemsOf(21))
    assert.equal((await stat(join(directory, 'history.jsonl'))).mode & 0o777, 0o600)
  })

  it('leaves out what a crash has left half written, and mends it', async (test) => {
    const directory = await directoryOf(test)
    const file = join(directory, 'history.jsonl')
    const first = await open(directory)
    for (let version = 1; version <= 5; version++) record(first, version, itemsOf(version))
    await first.close()
    await truncate(file, (await stat(file)).size - 10)
    await appendFile(file, '\0\0\0 not a line\n{}\n')
    const second = await open(directory)
    assert.equal(second.newest!.version, 4)
    record(second, 6, itemsOf(6))
    await second.close()
    const third = await open(directory)
    assert.deepEqual(
      third.reports().map(({ version }) => version),
      [6, 4, 3, 2, 1],
    )
    assertTexts(third.textsOf(6), itemsOf(6))
  })

  it('is whole when two generations have written it at the same time', async (test) => {
    const directory = await directoryOf(test)
    const texts = (version: number): ConfigTexts => new Map([['routes/a', `a${'b'.repeat(version % 3)}c${version}d`]])
    const [old, young] = [await open(directory), await open(directory)]
    record(old, 1, texts(1))
    await old.close()
    record(young, 1, texts(1))
    await young.close()
    // Each may leave out what the other tells.
    for (let version = 2; version <= 450; version++) {
      if (version % 4 !== 1) record(old, version, texts(version))
      await old.close()
      if (version % 3 !== 1) record(young, version, texts(version))
      await young.close()
    }
    const next = await open(directory)
    const versions = next.reports().map(({ version }) => version)
    assert.equal(versions[0], 450)
    assert.equal(new Set(versions).size, versions.length)
    assert.ok(versions.length > 30, `${versions.length} versions`)
    for (const version of versions) assertTexts(next.textsOf(version), texts(version))
  })

  it('begins anew on a file that is none, and lives where nothing can be written', async (test) => {
    const directory = await directoryOf(test)
    await writeFile(join(directory, 'history.jsonl'), Buffer.alloc(5000, 0xfe))
    const history = await open(directory)
    assert.equal(history.newest, null)
    record(history, 1, itemsOf(1))
    await history.close()
    assert.equal((await open(directory)).newest!.version, 1)
    const nowhere = await open(join(directory, 'history.jsonl', 'below'))
    record(nowhere, 1, itemsOf(1))
    await nowhere.close()
    assertTexts(nowhere.textsOf(1), itemsOf(1))
  })

  it('does not grow without end on disk', async (test) => {
    const directory = await directoryOf(test)
    const history = await open(directory)
    for (let version = 1; version <= 1000; version++) {
      record(history, version, itemsOf(version))
      if (version % 50 === 0) await history.close()
    }
    await history.close()
    const lines = (await readFile(join(directory, 'history.jsonl'), 'utf8')).split('\n').length
    assert.ok(lines < 300, `${lines} lines`)
    assertTexts((await open(directory)).textsOf(960), itemsOf(960))
  })
})

describe('a delta', () => {
  it('makes any texts of any others', () => {
    let seed = 3
    const random = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below
    const any = (): ConfigTexts =>
      new Map(
        Array.from({ length: random(4) }, () => [`k${random(4)}`, 'ab'.repeat(random(5)) + 'ca'.repeat(random(4))]),
      )
    for (let round = 0; round < 2000; round++) {
      const [from, to] = [any(), any()]
      const made = applyDelta(from, deltaOf(from, to))
      assert.deepEqual(Object.fromEntries(made), Object.fromEntries(to))
    }
  })
})
