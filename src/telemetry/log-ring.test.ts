import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { LogCounts } from './log-counts.ts'
import { DEBUG, ERROR, INFO, LEVELS, WARN } from './log-level.ts'
import { LogRing } from './log-ring.ts'

interface Step {
  readonly level: number
  readonly length: number
  /** Lines taken before it. */
  readonly take: number
}

const steps = fc.array(
  fc.record({
    level: fc.integer({ min: DEBUG, max: ERROR }),
    length: fc.integer({ min: 1, max: 120 }),
    take: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 40 }) }),
  }),
  { maxLength: 400 },
)

function run(todo: readonly Step[], entries: number, bytes: number) {
  const counts = new LogCounts()
  const ring = new LogRing({ entries, bytes }, counts)
  const taken: { line: string; level: number }[] = []
  const take = (most: number): void => {
    const { lines, levels } = ring.take(most, Infinity)
    lines.forEach((line, i) => taken.push({ line, level: levels[i]! }))
  }
  todo.forEach(({ level, length, take: most }, i) => {
    if (most > 0) take(most)
    ring.push(level, `${i} `.padEnd(length, 'x'))
    assert.ok(ring.size <= entries && ring.bytes <= bytes)
  })
  take(Infinity)
  assert.deepEqual([ring.size, ring.bytes], [0, 0])
  return { counts, taken }
}

describe('the ring of log lines', () => {
  it('keeps its bounds and the order of lines, and accounts for every one of them', () => {
    fc.assert(
      fc.property(
        steps,
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 1, max: 4000 }),
        (todo, entries, bytes) => {
          const { counts, taken } = run(todo, entries, bytes)
          const order = taken.map(({ line }) => parseInt(line, 10))
          assert.deepEqual(
            order,
            order.toSorted((a, b) => a - b),
          )
          for (let level = 0; level < LEVELS.length; level++) {
            const offered = todo.filter((step) => step.level === level).length
            const kept = taken.filter((line) => line.level === level).length
            assert.equal(kept + counts.of('dropped', level), offered)
          }
          for (const { line, level } of taken) assert.equal(todo[parseInt(line, 10)]!.level, level)
        },
      ),
    )
  })

  it('loses no warning and no error while there is something less important to lose', () => {
    fc.assert(
      fc.property(steps, (todo) => {
        const important = todo.filter(({ level }) => level >= WARN)
        const { counts } = run(todo, Math.max(1, important.length), 400 * 120)
        assert.equal(counts.of('dropped', WARN) + counts.of('dropped', ERROR), 0)
      }),
    )
  })

  it('gives up debug first, then info, then warnings', () => {
    const counts = new LogCounts()
    const ring = new LogRing({ entries: 16, bytes: 1e6 }, counts)
    const push = (level: number, times: number): void => {
      for (let i = 0; i < times; i++) ring.push(level, 'x')
    }
    const dropped = (): number[] => LEVELS.map((_, level) => counts.of('dropped', level))
    push(DEBUG, 10)
    assert.deepEqual(dropped(), [2, 0, 0, 0], 'debug fills half')
    push(INFO, 14)
    assert.deepEqual(dropped(), [10, 0, 0, 0], 'info displaces debug, up to seven eighths')
    push(INFO, 3)
    assert.deepEqual(dropped(), [10, 3, 0, 0])
    push(WARN, 16)
    assert.deepEqual(dropped(), [10, 17, 0, 0], 'warnings displace info')
    push(ERROR, 16)
    assert.deepEqual(dropped(), [10, 17, 16, 0], 'errors displace warnings')
    push(ERROR, 1)
    assert.deepEqual(dropped(), [10, 17, 16, 1], 'the bound holds')
  })

  it('refuses what can never fit, and loses nothing else for it', () => {
    const counts = new LogCounts()
    const ring = new LogRing({ entries: 10, bytes: 100 }, counts)
    for (let i = 0; i < 5; i++) ring.push(DEBUG, 'x')
    assert.equal(ring.push(ERROR, 'x'.repeat(101)), false)
    assert.deepEqual([ring.size, counts.total('dropped')], [5, 1])
  })

  it('gives about as many bytes as it is asked for, and one line at least', () => {
    const ring = new LogRing({ entries: 100, bytes: 1e6 }, new LogCounts())
    for (let i = 0; i < 10; i++) ring.push(INFO, 'ä'.repeat(50))
    assert.equal(ring.take(100, 1).lines.length, 1)
    assert.equal(ring.take(100, 250).lines.length, 3)
    assert.equal(ring.take(2, Infinity).lines.length, 2)
    assert.deepEqual([ring.size, ring.bytes], [4, 400])
  })
})
