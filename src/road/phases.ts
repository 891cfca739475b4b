// The plugin phases as stages. A route without plugins in a phase spends one comparison on it.
import { runFrom, runResponseFrom } from '../chain/run.ts'
import { WAITING_FOR_PLUGIN, type Exchange } from '../contract/exchange.ts'
import { NEXT, PARKED, type Progress } from '../contract/verdict.ts'
import type { RoadState } from './state.ts'
import { transformResponse } from './transform.ts'

/** ms that one step may wait for its promise. */
export const PLUGIN_TIMEOUT = 10_000

export function access(x: Exchange, state: RoadState): Progress {
  const steps = x.chain.access
  return steps === null ? NEXT : limited(x, state, runFrom(x, steps, x.resumeAt))
}

export function request(x: Exchange, state: RoadState): Progress {
  const steps = x.chain.request
  return steps === null ? NEXT : limited(x, state, runFrom(x, steps, x.resumeAt))
}

export function response(x: Exchange, state: RoadState): Progress {
  // What plugins set before there was a reply comes first, so that response steps see and may overrule it.
  if (x.responseEdits.length > 0) x.applyEdits()
  const { response: steps, responseBody } = x.chain
  const progress = steps === null ? NEXT : limited(x, state, runResponseFrom(x, steps, x.resumeAt))
  if (responseBody !== null && progress === NEXT) transformResponse(x, responseBody)
  return progress
}

function limited(x: Exchange, state: RoadState, progress: Progress): Progress {
  if (progress === PARKED) {
    x.waiting = WAITING_FOR_PLUGIN
    state.wheel.arm(x.timer, PLUGIN_TIMEOUT)
  }
  return progress
}
