import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Slots, type Held } from './slots.ts'

const LONG = 1_000_000

describe('Slots', () => {
  it('lets as many run as there are places, and each key for itself', () => {
    const slots = new Slots()
    slots.max = 2
    assert.ok(slots.take('a'))
    assert.ok(slots.take('a'))
    assert.equal(slots.take('a'), null)
    assert.ok(slots.take('b'))
  })

  it('admits those that wait in order, and forgets those that leave', () => {
    const slots = new Slots()
    const first = slots.take('a')!
    const order: string[] = []
    const one = slots.wait('a', 3, LONG, () => order.push('one'))!
    const two = slots.wait('a', 3, LONG, () => order.push('two'))!
    const three = slots.wait('a', 3, LONG, () => order.push('three'))!
    assert.equal(
      slots.wait('a', 3, LONG, () => {}),
      null,
    )
    slots.release(two)
    slots.release(first)
    assert.deepEqual(order, ['one'])
    slots.release(one)
    slots.release(three)
    assert.deepEqual(order, ['one', 'three'])
    assert.equal(slots.keys, 0)
  })

  it('tells when the wait is over', async () => {
    const slots = new Slots()
    const first = slots.take('a')!
    assert.equal(await new Promise((resolve) => slots.wait('a', 1, 1, resolve)), false)
    assert.ok(
      slots.wait('a', 1, LONG, () => {}),
      'the place in line is free again',
    )
    slots.release(first)
  })

  it('never runs more than allowed, loses nobody, and keeps nothing', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(2), fc.nat(3)), { maxLength: 200 }),
        fc.integer({ min: 1, max: 4 }),
        (steps, max) => {
          const slots = new Slots()
          slots.max = max
          const running = new Map<string, Held[]>()
          const waiting: { key: string; held: Held }[] = []
          for (const [what, number] of steps) {
            const key = `k${number}`
            const of = running.get(key) ?? []
            running.set(key, of)
            if (what < 2) {
              const held = slots.take(key)
              if (held !== null) of.push(held)
              else {
                const entry = { key, held: null as unknown as Held }
                const place = slots.wait(key, 5, LONG, () => {
                  waiting.splice(waiting.indexOf(entry), 1)
                  running.get(key)!.push(entry.held)
                })
                if (place !== null) waiting.push(Object.assign(entry, { held: place }))
              }
            } else {
              const done = of.shift()
              if (done !== undefined) slots.release(done)
            }
            for (const [each, list] of running) {
              assert.ok(list.length <= max)
              if (waiting.some((one) => one.key === each))
                assert.equal(list.length, max, 'nobody waits beside a free place')
            }
          }
          for (const { held } of waiting.splice(0)) slots.release(held)
          for (const list of running.values()) for (const held of list.splice(0)) slots.release(held)
          assert.equal(slots.keys, 0)
        },
      ),
      { numRuns: 300 },
    )
  })
})
