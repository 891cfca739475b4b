import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { SortedTexts } from '../base/sorted-texts.ts'
import { temporaryDirectory } from '../../test/lab/store-probe.ts'
import type { StoredConfig } from './commit-log.ts'
import { LastGood } from './last-good.ts'

function configOf(version: number, count: number): StoredConfig {
  const items = SortedTexts.from(
    Array.from({ length: count }, (_, i) => [`routes/${i}`, `é€😀 "${version}"\n`.repeat(20)]),
  )
  const commit = { version, author: 'a', time: 1, message: 'm' }
  return { origin: 'etcd:/p/', cluster: 'c', marker: 'x', commit, items }
}

function refuse(message: string): void {
  throw new Error(`a warning: ${message}`)
}

describe('the local copy', () => {
  it('is the last of many that came quickly, whole, and for nobody else to read', async (test) => {
    const directory = join(await temporaryDirectory(test), 'state')
    const copy = new LastGood(directory, '/p', refuse)
    assert.equal(await copy.read(), null)
    for (let version = 1; version <= 50; version++) {
      const config = configOf(version, 3000)
      copy.keep({ config, served: config.items })
    }
    await copy.close()
    assert.deepEqual(await readdir(directory), ['last-good.jsonl'])
    assert.equal((await stat(copy.file)).mode & 0o777, 0o600)
    const { config, served } = (await new LastGood(directory, '/p', refuse).read())!
    assert.deepEqual(config.commit, configOf(50, 1).commit)
    assert.ok(config.items.equals(configOf(50, 3000).items))
    assert.equal(served.size, 3000)
    assert.equal((await readFile(copy.file, 'utf8')).split('\n').length, 3003)
  })

  it('that cannot be written or read is told once and stops nothing', async (test) => {
    const directory = await temporaryDirectory(test)
    const warnings: string[] = []
    const copy = new LastGood(directory, '/p', (message) => warnings.push(message))
    await mkdir(copy.file) // a directory is in the way, also for root
    const config = configOf(1, 1)
    copy.keep({ config, served: config.items })
    copy.keep({ config, served: config.items })
    await copy.close()
    assert.equal(warnings.length, 1)
    assert.match(warnings[0]!, /cannot be written/)
    assert.deepEqual(await readdir(directory), ['last-good.jsonl'])
    assert.equal(await new LastGood(directory, '/p', (message) => warnings.push(message)).read(), null)
    assert.match(warnings[1]!, /cannot be read: EISDIR/)
  })
})
