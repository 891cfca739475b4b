// The phase runner. The synchronous path is a loop that allocates nothing; a step that returns a promise parks the
// Exchange, and the road resumes it at the next step.
import { performance } from 'node:perf_hooks'
import type { Exchange } from '../contract/exchange.ts'
import type { RequestStep, ResponseStep } from '../contract/plugin.ts'
import type { Step } from '../contract/snapshot.ts'
import { NEXT, PARKED, type Progress, type Verdict } from '../contract/verdict.ts'

/** One run of steps in this many is timed: a clock reading costs as much as a small step. */
const TIMED = 64
let untilTimed = TIMED

/** Runs access or request steps from `at` on. Throws what a step throws; `x.failedPlugin` then names it. */
export function runFrom(x: Exchange, steps: readonly Step<RequestStep>[], at: number): Progress {
  if (--untilTimed === 0) return runTimed(x, steps, at)
  for (let i = at; i < steps.length; i++) {
    const step = steps[i]!
    x.failedPlugin = step.plugin
    const out = step.run(x)
    if (out === NEXT) continue
    if (typeof out === 'number') return out
    return park(x, out, i + 1)
  }
  x.failedPlugin = ''
  return NEXT
}

/** The same with a look at the clock around each step. */
function runTimed(x: Exchange, steps: readonly Step<RequestStep>[], at: number): Progress {
  untilTimed = TIMED
  for (let i = at; i < steps.length; i++) {
    const step = steps[i]!
    x.failedPlugin = step.plugin
    const start = performance.now()
    const out = step.run(x)
    step.timing.total += performance.now() - start
    step.timing.calls++
    if (out === NEXT) continue
    if (typeof out === 'number') return out
    return park(x, out, i + 1)
  }
  x.failedPlugin = ''
  return NEXT
}

/** Runs response steps from `at` on. They cannot refuse: NEXT or PARKED. */
export function runResponseFrom(x: Exchange, steps: readonly Step<ResponseStep>[], at: number): Progress {
  for (let i = at; i < steps.length; i++) {
    const step = steps[i]!
    x.failedPlugin = step.plugin
    const out = step.run(x)
    if (out !== undefined) return park(x, out, i + 1)
  }
  x.failedPlugin = ''
  return NEXT
}

function park(x: Exchange, promise: Promise<Verdict | void>, resumeAt: number): typeof PARKED {
  x.resumeAt = resumeAt
  // The promise holds the Exchange until it settles, perhaps long after the client is gone.
  x.shared = true
  const park = ++x.parks
  if (x.spans !== null) x.spans.waitsFor(x.failedPlugin)
  promise.then(
    (verdict) => {
      if (x.parks === park) x.road.settled(x, verdict)
    },
    (error: unknown) => {
      if (x.parks === park) x.road.rejected(x, error)
    },
  )
  return PARKED
}
