import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CompiledSnapshot } from '../compile/snapshot.ts'
import { SnapshotHistory } from './snapshot-history.ts'

describe('the tag of a configuration', () => {
  it('is its version, and another one for each that has the same', () => {
    const history = new SnapshotHistory()
    const tags = [7, 8, 8, 8, 9, 8].map((version) => {
      history.published({ version, routes: [], retired: false, pins: 0 } as unknown as CompiledSnapshot)
      return history.tag
    })
    assert.deepEqual(tags, ['7', '8', '8.1', '8.2', '9', '8'])
  })
})
