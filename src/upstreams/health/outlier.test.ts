import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { SimulatedTime } from '../../../test/lab/simulated-time.ts'
import type { OutlierRecord } from './outlier-record.ts'
import { OutlierDetector, type OutlierOptions } from './outlier.ts'

const OPTIONS: OutlierOptions = {
  consecutive: 5,
  interval: 1000,
  ejection: 3000,
  maxEjection: 10_000,
  maxEjected: 0.5,
  successRate: { minimumRequests: 10, minimumEndpoints: 5, deviations: 1.9 },
  latency: { factor: 3, minimumRequests: 10 },
}

class Laboratory {
  readonly time = new SimulatedTime()
  readonly detector: OutlierDetector
  readonly records: OutlierRecord[] = []
  /** Keys of those whose `ejected` changed, in this order. */
  readonly changed: string[] = []

  constructor(endpoints: number, options: Partial<OutlierOptions> = {}) {
    this.detector = new OutlierDetector({ ...OPTIONS, ...options }, this.time.wheel, this.time.clock)
    for (let i = 0; i < endpoints; i++) this.join()
  }

  join(): void {
    const record = this.detector.join(`endpoint-${this.records.length}`)
    record.onChange = () => this.changed.push(record.key)
    this.records.push(record)
  }

  /** `requests` to one, `failed` of them failing: spread, so that they are not in a row. */
  serve(which: number, requests: number, failed = 0, latency = 1): void {
    for (let i = 0; i < requests; i++) {
      const fails = Math.floor(((i + 1) * failed) / requests) > Math.floor((i * failed) / requests)
      this.records[which]!.observe(fails, latency)
    }
  }

  /** Makes one fail so often in a row that it is ejected; ms that it was. */
  outage(which: number): number {
    const record = this.records[which]!
    for (let i = 0; i < OPTIONS.consecutive; i++) record.observe(true, -1)
    assert.equal(record.ejected, true)
    const from = this.time.now
    while (record.ejected) this.time.pass(10)
    return this.time.now - from
  }

  get ejected(): string {
    return this.records.map(({ ejected }) => (ejected ? 'x' : '.')).join('')
  }
}

describe('outlier detection: failures in a row', () => {
  it('eject at once, and begin anew afterwards', () => {
    const lab = new Laboratory(3)
    const [record] = lab.records
    for (let i = 0; i < 4; i++) record!.observe(true, -1)
    record!.observe(false, 1)
    for (let i = 0; i < 4; i++) record!.observe(true, -1)
    assert.equal(lab.ejected, '...')
    record!.observe(true, -1)
    assert.equal(lab.ejected, 'x..')
    assert.equal(record!.reason, 'consecutive')
    for (let i = 0; i < 9; i++) record!.observe(true, -1) // late, or sent because nobody else was there
    lab.time.pass(3020)
    assert.equal(lab.ejected, '...')
    assert.deepEqual([record!.reason, record!.ejections, lab.detector.ejected], ['', 1, 0])
    for (let i = 0; i < 4; i++) record!.observe(true, -1)
    assert.equal(lab.ejected, '...')
    assert.deepEqual(lab.changed, ['endpoint-0', 'endpoint-0'])
  })

  it('eject nobody when that is off', () => {
    const lab = new Laboratory(3, { consecutive: 0 })
    for (let i = 0; i < 1000; i++) lab.records[0]!.observe(true, -1)
    assert.equal(lab.ejected, '...')
  })

  it('eject nobody who is alone, and nobody when the share is 0', () => {
    for (const lab of [new Laboratory(1, { maxEjected: 1 }), new Laboratory(9, { maxEjected: 0 })]) {
      for (let i = 0; i < 1000; i++) lab.records[0]!.observe(true, -1)
      assert.equal(lab.detector.ejected, 0)
    }
  })

  it('eject one of two, and at most the share of more', () => {
    for (const [endpoints, share, expected] of [
      [2, 0.1, 'x.'],
      [2, 1, 'x.'],
      [5, 0.5, 'xx...'],
      [5, 1, 'xxxx.'],
      [10, 0.3, 'xxx.......'],
    ] as const) {
      const lab = new Laboratory(endpoints, { maxEjected: share })
      for (const record of lab.records) for (let i = 0; i < 5; i++) record.observe(true, -1)
      assert.equal(lab.ejected, expected)
    }
  })

  it('eject who went on failing as soon as there is room', () => {
    const lab = new Laboratory(2)
    for (const record of lab.records) for (let i = 0; i < 5; i++) record.observe(true, -1)
    assert.equal(lab.ejected, 'x.')
    lab.time.pass(3020)
    lab.records[1]!.observe(true, -1)
    assert.equal(lab.ejected, '.x')
  })
})

describe('outlier detection: the time of an ejection', () => {
  it('grows with every ejection up to the longest, and shrinks with every interval without', () => {
    const lab = new Laboratory(3)
    const about = (actual: number, expected: number): void =>
      assert.ok(actual >= expected && actual <= expected + 20, `${actual} is not ${expected}`)
    for (const expected of [3000, 6000, 9000, 10_000, 10_000]) about(lab.outage(0), expected)
    assert.equal(lab.records[0]!.times, 4)
    lab.time.pass(3500) // the first analysis still remembers the ejection
    about(lab.outage(0), 6000)
    lab.time.pass(20_000)
    about(lab.outage(0), 3000)
  })

  it('lets the wheel sleep when all is forgotten', () => {
    const lab = new Laboratory(3)
    lab.outage(0)
    lab.outage(0)
    lab.time.pass(5000)
    assert.equal(lab.records[0]!.times, 0)
    assert.equal(lab.time.wheel.size, 0)
  })
})

describe('outlier detection: the success rate', () => {
  const serveAll = (lab: Laboratory, failures: readonly number[]): void => {
    failures.forEach((failed, which) => lab.serve(which, 20, failed))
    lab.time.pass(1020)
  }

  it('ejects who is far below the mean of the group', () => {
    const lab = new Laboratory(6)
    serveAll(lab, [0, 1, 0, 1, 9, 0])
    assert.equal(lab.ejected, '....x.')
    assert.equal(lab.records[4]!.reason, 'success-rate')
  })

  it('ejects nobody when all are alike, whatever they are like', () => {
    fc.assert(
      fc.property(fc.integer({ min: 5, max: 30 }), fc.integer({ min: 0, max: 10 }), (endpoints, failed) => {
        // So few deviations that the rounding of the mean would be one.
        const successRate = { ...OPTIONS.successRate, deviations: 0.5 }
        const lab = new Laboratory(endpoints, { consecutive: 0, successRate })
        serveAll(lab, Array<number>(endpoints).fill(failed))
        assert.equal(lab.detector.ejected, 0)
      }),
    )
  })

  it('compares nobody who had few requests, and nothing among few', () => {
    const few = new Laboratory(6, { consecutive: 0 })
    for (let which = 0; which < 5; which++) few.serve(which, 20)
    few.serve(5, 9, 9)
    few.time.pass(1020)
    assert.equal(few.detector.ejected, 0)
    const four = new Laboratory(4, { consecutive: 0 })
    serveAll(four, [0, 0, 0, 15])
    assert.equal(four.detector.ejected, 0)
  })

  it('counts each interval for itself', () => {
    const lab = new Laboratory(6, { consecutive: 0 })
    for (let i = 0; i < 3; i++) {
      for (let which = 0; which < 6; which++) lab.serve(which, 5, which === 0 ? 5 : 0)
      lab.time.pass(1020)
    }
    assert.equal(lab.detector.ejected, 0)
  })

  it('ejects the worst when there is room for one only', () => {
    const lab = new Laboratory(20, { maxEjected: 0.05 })
    serveAll(lab, [0, 0, 0, 0, 8, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    assert.equal(lab.ejected, '......x.............')
  })
})

describe('outlier detection: latency', () => {
  it('ejects whose p95 is far above the median of the group', () => {
    const lab = new Laboratory(3)
    for (const [which, latency] of [20, 70, 21].entries()) lab.serve(which, 20, 0, latency)
    lab.time.pass(1020)
    assert.equal(lab.ejected, '.x.')
    assert.equal(lab.records[1]!.reason, 'latency')
  })

  it('compares two with each other', () => {
    const lab = new Laboratory(2)
    for (const [which, latency] of [70, 20].entries()) lab.serve(which, 20, 0, latency)
    lab.time.pass(1020)
    assert.equal(lab.ejected, 'x.')
  })

  it('is not misled by those who fail fast, by few requests, or by noise among the fast', () => {
    const failing = new Laboratory(3, { consecutive: 0 })
    failing.serve(0, 20, 20, 1)
    failing.serve(1, 20, 20, 1)
    failing.serve(2, 20, 0, 50)
    const few = new Laboratory(3)
    for (const [which, latency] of [20, 700, 21].entries()) few.serve(which, which === 1 ? 9 : 20, 0, latency)
    const fast = new Laboratory(3)
    for (const [which, latency] of [0.3, 4.5, 0.3].entries()) fast.serve(which, 20, 0, latency)
    const off = new Laboratory(3, { latency: { factor: 0, minimumRequests: 10 } })
    for (const [which, latency] of [20, 700, 21].entries()) off.serve(which, 20, 0, latency)
    for (const lab of [failing, few, fast, off]) {
      lab.time.pass(1020)
      assert.equal(lab.ejected, '...')
    }
  })
})

describe('outlier detection: the group', () => {
  it('takes back whose ejection ends first when it shrinks', () => {
    const lab = new Laboratory(4)
    lab.outage(1)
    for (const which of [1, 0]) for (let i = 0; i < 5; i++) lab.records[which]!.observe(true, -1)
    assert.equal(lab.ejected, 'xx..')
    lab.detector.leave(lab.records[2]!)
    assert.equal(lab.ejected, '.x..')
    lab.detector.leave(lab.records[3]!)
    lab.detector.leave(lab.records[0]!)
    assert.equal(lab.ejected, '....')
  })

  it('may be changed by whoever hears of an ejection', () => {
    const lab = new Laboratory(6, { maxEjected: 1 })
    const [first, , , , , slow] = lab.records
    for (const record of lab.records) {
      record.onChange = () => {
        lab.detector.leave(slow!)
        lab.detector.leave(first!)
      }
    }
    for (let which = 0; which < 6; which++) lab.serve(which, 20, which === 4 ? 12 : 0, which === 5 ? 100 : 10)
    lab.time.pass(1020)
    assert.deepEqual([lab.detector.size, lab.detector.ejected], [4, 1])
    assert.equal(lab.ejected, '....x.')
  })

  it('leaves no timer when it is closed, and observes no more', () => {
    const lab = new Laboratory(4)
    for (let i = 0; i < 5; i++) lab.records[0]!.observe(true, -1)
    lab.detector.close()
    assert.equal(lab.time.wheel.size, 0)
    for (let i = 0; i < 9; i++) lab.records[1]!.observe(true, -1)
    assert.deepEqual([lab.ejected, lab.changed.length, lab.time.wheel.size], ['x...', 1, 0])
  })

  it('never has more ejected than the share, and nobody for ever, whatever happens', () => {
    const steps = fc.array(
      fc.oneof(
        { weight: 1, arbitrary: fc.record({ kind: fc.constant('join' as const) }) },
        { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), which: fc.nat() }) },
        {
          weight: 3,
          arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ max: 2000, min: 1 }) }),
        },
        {
          weight: 8,
          arbitrary: fc.record({
            kind: fc.constant('serve' as const),
            which: fc.nat(),
            failed: fc.boolean(),
            count: fc.integer({ min: 1, max: 20 }),
            latency: fc.constantFrom(-1, 1, 10, 100),
          }),
        },
      ),
      { maxLength: 150 },
    )
    let ejections = 0
    fc.assert(
      fc.property(steps, fc.double({ min: 0, max: 1, noNaN: true }), (of, maxEjected) => {
        const lab = new Laboratory(6, { maxEjected })
        const { detector, time } = lab
        let members = [...lab.records]
        for (const step of of) {
          const changes = lab.changed.length
          const before = lab.ejected
          if (step.kind === 'join') {
            lab.join()
            members.push(lab.records.at(-1)!)
          } else if (step.kind === 'pass') {
            time.pass(step.ms, 100)
          } else if (members.length > 0) {
            const record = members[step.which % members.length]!
            if (step.kind === 'leave') {
              detector.leave(record)
              members = members.filter((each) => each !== record)
            } else {
              for (let i = 0; i < step.count; i++) record.observe(step.failed, step.latency)
            }
          }
          const ejected = members.filter((record) => record.ejected).length
          const size = members.length
          assert.deepEqual([detector.size, detector.ejected], [size, ejected])
          assert.ok(ejected <= Math.max(maxEjected * size, maxEjected > 0 ? 1 : 0) && (ejected < size || ejected === 0))
          if (step.kind === 'serve') assert.equal(lab.changed.length - changes, before === lab.ejected ? 0 : 1)
          assert.ok(time.wheel.size <= ejected + 1)
        }
        ejections += lab.records.reduce((sum, record) => sum + record.ejections, 0)
        time.pass(30_000, 100)
        for (const record of members) assert.deepEqual([record.ejected, record.times], [false, 0])
        assert.equal(time.wheel.size, 0)
      }),
      { numRuns: 300 },
    )
    assert.ok(ejections > 100, 'something happened')
  })
})
