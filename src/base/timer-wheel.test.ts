import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Timer, TimerWheel } from './timer-wheel.ts'

class Laboratory {
  now = 0
  readonly wheel = new TimerWheel(() => this.now)
  readonly fired: [name: number, at: number][] = []

  timer(name: number): Timer {
    return new Timer(() => this.fired.push([name, this.now]))
  }

  pass(ms: number, step = 5): void {
    for (let left = ms; left > 0; left -= step) {
      this.now += Math.min(step, left)
      this.wheel.advance()
    }
  }
}

describe('timer wheel', () => {
  it('fires never early and at most a tick and a step late, for delays far beyond one turn of the wheel', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 30_000 }), { minLength: 1, maxLength: 30 }), (delays) => {
        const lab = new Laboratory()
        delays.forEach((delay, i) => lab.wheel.arm(lab.timer(i), delay))
        lab.pass(31_000)
        assert.equal(lab.fired.length, delays.length)
        for (const [name, at] of lab.fired) {
          assert.ok(at >= delays[name]!, `${at} is before ${delays[name]}`)
          assert.ok(at <= delays[name]! + 20, `${at} is long after ${delays[name]}`)
        }
        assert.equal(lab.wheel.size, 0)
      }),
      { numRuns: 50 },
    )
  })

  it('forgets a disarmed timer and counts from the last arming', () => {
    const lab = new Laboratory()
    const kept = lab.timer(1)
    const dropped = lab.timer(2)
    lab.wheel.arm(kept, 100)
    lab.wheel.arm(dropped, 100)
    lab.wheel.disarm(dropped)
    lab.wheel.disarm(dropped)
    lab.pass(50)
    lab.wheel.arm(kept, 100)
    lab.pass(90)
    assert.equal(lab.fired.length, 0)
    lab.pass(30)
    assert.deepEqual(
      lab.fired.map((fired) => fired[0]),
      [1],
    )
    assert.equal(kept.armed, false)
  })

  it('lets a firing timer arm itself and disarm another that is due in the same tick', () => {
    const lab = new Laboratory()
    let rounds = 0
    const other = lab.timer(2)
    const self: Timer = new Timer(() => {
      lab.wheel.disarm(other)
      if (++rounds < 3) lab.wheel.arm(self, 10)
    })
    lab.wheel.arm(self, 10)
    lab.wheel.arm(other, 10)
    lab.pass(100)
    assert.equal(rounds, 3)
    assert.deepEqual(lab.fired, [])
  })

  it('finds everything that is due after the loop stood still for longer than a turn', () => {
    const lab = new Laboratory()
    for (let i = 0; i < 200; i++) lab.wheel.arm(lab.timer(i), i * 100)
    lab.now = 60_000
    lab.wheel.advance()
    assert.equal(lab.fired.length, 200)
  })
})
