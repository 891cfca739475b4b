import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Durations } from './durations.ts'
import { histogramOf, statsOf } from './latencies.ts'
import { areCells, cellsOf, statsOfCells } from './latency-cells.ts'

function recorded(values: readonly number[]): Durations {
  const all = new Durations()
  for (const value of values) all.record(value)
  return all
}

describe('latencies of several processes', () => {
  it('have the percentiles of all of them, not those of their percentiles', () => {
    const fast = recorded(Array.from({ length: 990 }, (_, i) => 1 + i / 1000))
    const slow = recorded(Array.from({ length: 10 }, () => 800))
    const sent = [fast, slow].map(({ pages }) => JSON.parse(JSON.stringify(cellsOf(pages))) as number[])
    assert.ok(sent.every(areCells))
    assert.deepEqual(statsOfCells([...sent, null]), statsOf(histogramOf([fast, slow])))
  })

  it('are null when nothing was measured', () => {
    assert.equal(cellsOf(recorded([]).pages), null)
    assert.equal(statsOfCells([null, null]), null)
    assert.equal(statsOfCells([]), null)
  })

  it('are refused when they are something else', () => {
    for (const value of [
      '',
      7,
      {},
      [1],
      [-1, 1],
      [0.5, 1],
      [1, 'x'],
      [1e9, 1],
      [1, null],
      Array.from({ length: 7000 }, () => 0),
    ])
      assert.equal(areCells(value), false, JSON.stringify(value)?.slice(0, 40))
  })
})
