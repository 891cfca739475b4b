// What scripts/bench faults measures with: that the client sees what there is, and that the figures are what they say.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { figuresOf, INTERVAL, table, type Run, type Series } from '../../../bench/faults/figures.ts'
import { OpenLoop, type Outcome, type Sample } from '../../../bench/open-loop.ts'
import { FaultyEndpoint } from './endpoint.ts'
import { HEALTHY, type Fault } from './fault.ts'

const FAULTS: readonly (readonly [Fault, Outcome])[] = [
  [HEALTHY, 'ok'],
  [{ kind: 'errors' }, 'status'],
  [{ kind: 'refuse' }, 'transport'],
  [{ kind: 'reset', at: 'start' }, 'transport'],
  [{ kind: 'reset', at: 'body' }, 'cut'],
  [{ kind: 'lie', about: 'long' }, 'cut'],
  [{ kind: 'lie', about: 'second' }, 'mixed'],
  [{ kind: 'stall' }, 'timeout'],
]

describe('an open-loop client', () => {
  for (const [fault, outcome] of FAULTS) {
    const { kind, ...options } = fault
    it(`sees of ${kind} ${Object.values(options).join()}: ${outcome}`, async (test) => {
      const endpoint = await FaultyEndpoint.start('a')
      test.after(() => endpoint.close())
      await endpoint.become(fault)
      const load = new OpenLoop({ port: endpoint.port, rate: 500, connections: 4, patience: 1000 })
      while (load.due < 50) await new Promise((resolve) => setImmediate(resolve))
      await load.stop()
      assert.equal(load.samples.length, load.due)
      assert.deepEqual([...new Set(load.samples.map((sample) => sample.outcome))], [outcome])
      assert.ok(endpoint.connections.open <= 4)
    })
  }
})

describe('the figures of a fault', () => {
  const SECOND = 1000 / INTERVAL
  const begun = 1_000_000
  /** Arrivals of one endpoint by seconds. */
  const series = (...perSecond: readonly number[]): Series =>
    perSecond.flatMap((count, second) =>
      Array.from({ length: SECOND }, (_, i) => [begun + second * 1000 + i * INTERVAL, count / SECOND] as const),
    )
  const sample = (at: number, outcome: Outcome, latency = 1): Sample => ({
    due: begun + at,
    latency,
    outcome,
    status: 200,
  })
  const run: Run = {
    fault: 'stall',
    begun,
    fell: begun + 2000,
    healed: begun + 5000,
    ended: begun + 9000,
    // Left alone after a second; back after another; run over once.
    arrivals: [series(10, 10, 10, 0, 0, 0, 20, 10, 10), series(10, 10, 10, 20, 20, 20, 0, 10, 10)],
    samples: [
      sample(1800, 'ok', 5),
      sample(2500, 'status', 700),
      sample(3500, 'timeout'),
      sample(4000, 'cut'),
      sample(6000, 'transport'),
    ],
    read: 6,
    clientCpu: 0.1,
  }

  it('are of the right phases', () => {
    const figures = figuresOf(run)
    assert.deepEqual(figures.errors, { total: 3, detecting: 1, detected: 1, healed: 1 })
    assert.deepEqual([figures.detect, figures.cut, figures.amplification], [1000, 1, 2])
    // Judged by whole seconds, from the first of which it gets 80 % of its half: 8 of 20.
    assert.deepEqual([figures.recover, figures.herd], [400, 2])
    assert.deepEqual(figures.latency.before, { p50: 5, p99: 5 })
    assert.equal(figures.isDisturbed, false)
    assert.match(table([figures]), /^\| stall \| 3 \| 1 \| 1 \| 1 \| 1 \| 1\.0 \| 0\.4 \| 2\.00 \| 2\.00 \|/m)
  })

  it('say when something never came, and when the machine was busy', () => {
    const even = series(...Array.from({ length: 9 }, () => 10))
    const figures = figuresOf({ ...run, arrivals: [even, even], samples: [sample(1800, 'ok', 500)] })
    assert.deepEqual([figures.detect, figures.recover, figures.isDisturbed], [null, 0, true])
  })
})
