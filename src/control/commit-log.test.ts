import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { EtcdEvent } from '../base/etcd-link.ts'
import { SortedTexts } from '../base/sorted-texts.ts'
import { CommitLog } from './commit-log.ts'

const EMPTY = {
  cluster: 'c',
  revision: 1,
  commit: null,
  marker: '',
  lock: null,
  current: SortedTexts.EMPTY,
  committed: SortedTexts.EMPTY,
}

const name = fc.constantFrom('routes/a', 'routes/b', 'upstreams/a', 'paths', 'lock', 'status/a', 'commit', 'wrong')
/** What happens at one revision: each key at most once. */
const moment = fc.uniqueArray(fc.tuple(name, fc.option(fc.constantFrom('1', '2', '3'))), {
  selector: ([key]) => key,
  minLength: 1,
  maxLength: 6,
})

function eventsOf(moments: readonly (readonly [string, string | null])[][]): EtcdEvent[] {
  return moments.flatMap((some, i) => some.map(([key, value]) => ({ key: `/p/${key}`, value, revision: i + 2 })))
}

/** The committed state, the plain way. */
function model(moments: readonly (readonly [string, string | null])[][]): [number, Record<string, string>] {
  const current: Record<string, string> = {}
  let committed: [number, Record<string, string>] = [0, {}]
  for (const [i, some] of moments.entries()) {
    for (const [key, value] of some) {
      if (!/^(routes|upstreams)\/|^paths$/.test(key)) continue
      if (value === null) delete current[key]
      else current[key] = value
    }
    if (some.some(([key, value]) => key === 'commit' && value !== null)) committed = [i + 2, { ...current }]
  }
  return committed
}

describe('the commit log', () => {
  it('has what the last commit has closed, however the events are cut and whichever come twice', () => {
    fc.assert(
      fc.property(fc.array(moment, { maxLength: 30 }), fc.infiniteStream(fc.nat(3)), (moments, cuts) => {
        const log = new CommitLog('/p/', () => {})
        log.replace(EMPTY)
        for (let at = 0; at < moments.length;) {
          const next = at + 1 + cuts.next().value!
          const again = Math.max(0, at - cuts.next().value!)
          log.apply(eventsOf(moments).filter(({ revision }) => revision - 2 >= again && revision - 2 < next))
          const { commit, items } = log.committed!
          assert.deepEqual([commit.version, Object.fromEntries(items)], model(moments.slice(0, next)))
          at = next
        }
      }),
    )
  })

  it('knows nothing as long as nobody knows it, and everything with the next commit', () => {
    const log = new CommitLog('/p/', () => {})
    const current = SortedTexts.from([['routes/a', 'new']])
    const commit = { version: 5, author: '', time: 0, message: '' }
    log.replace({ ...EMPTY, revision: 9, commit, current, committed: null })
    assert.equal(log.committed, null)
    log.apply([{ key: '/p/routes/b', value: 'b', revision: 10 }])
    assert.equal(log.committed, null)
    log.apply([{ key: '/p/commit', value: 'done', revision: 11 }])
    assert.deepEqual(Object.fromEntries(log.committed!.items), { 'routes/a': 'new', 'routes/b': 'b' })
    assert.equal(log.committed!.commit.message, 'done')
    assert.equal(log.pending.size, 0)
  })

  it('reads markers of any kind', () => {
    const log = new CommitLog('/p/', () => {})
    log.replace(EMPTY)
    const commits = [
      '',
      'x',
      '[]',
      'null',
      '5',
      '{"author":5,"message":[],"time":"x"}',
      `{"author":"${'a'.repeat(500)}"}`,
    ]
    for (const [i, value] of commits.entries()) {
      log.apply([{ key: '/p/commit', value, revision: i + 2 }])
      const { version, author, time, message } = log.committed!.commit
      assert.equal(version, i + 2)
      assert.ok(author.length <= 200 && message.length <= 1000 && time > 0)
    }
  })

  it('costs little with ten thousand items', () => {
    const log = new CommitLog('/p/', () => {})
    const current = SortedTexts.from(Array.from({ length: 10_000 }, (_, i) => [`routes/${i}`, `text ${i}`]))
    log.replace({ ...EMPTY, current, committed: current, commit: { version: 1, author: '', time: 0, message: '' } })
    const begun = process.cpuUsage()
    for (let i = 0; i < 5000; i++) {
      log.apply([
        { key: `/p/routes/${i}`, value: 'changed', revision: i + 2 },
        { key: '/p/commit', value: 'x', revision: i + 2 },
      ])
    }
    const { user } = process.cpuUsage(begun)
    assert.equal(log.committed!.items.get('routes/4999'), 'changed')
    // A copy of the whole map would cost more.
    assert.ok(user / 5000 < 400, `${user / 5000} µs each`)
  })
})
