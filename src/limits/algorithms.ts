// When may the next event come? Four answers, each over a state of two numbers. Times are ms on one monotonic clock.
import type { Algorithm, LimitRule } from '../contract/limits.ts'

/** What an algorithm says of one event. Overwritten by the next. */
export interface Decision {
  remaining: number
  resetAfter: number
  retryAfter: number
  delay: number
}

export interface LimitAlgorithm {
  /** Counts an event in the state at `at` if there is room; `dry`: only looks. True: admitted. */
  take(states: Float64Array, at: number, now: number, dry: boolean, out: Decision): boolean
  /** What would be lost with the state, in ms. */
  debt(first: number, second: number, now: number): number
}

/** Sums of intervals are not exact: an event that is due by this much (ms) has come in time. */
const ROUNDING = 1e-6

/**
 * Token and leaky bucket: the generic cell rate algorithm (ITU-T I.371). The state is the theoretical arrival time: when the
 * next event would come if they all came evenly.
 *
 * token-bucket: an event may come `burst` intervals early. leaky-bucket: it may too, and one that comes earlier still is held
 * back until its time, at most `maxWait`.
 */
function bucket({ amount, window, burst, maxWait }: LimitRule): LimitAlgorithm {
  const interval = window / amount
  const tolerance = interval * burst
  return {
    take(states, at, now, dry, out) {
      const arrival = Math.max(states[at]!, now)
      const early = arrival + interval - now - tolerance
      const admitted = early <= maxWait + ROUNDING
      const next = admitted ? arrival + interval : arrival
      if (admitted && !dry) states[at] = next
      out.delay = admitted && early > ROUNDING ? early : 0
      out.retryAfter = admitted ? 0 : early - maxWait
      out.remaining = Math.max(0, Math.floor((tolerance + maxWait - (next - now) + ROUNDING) / interval))
      out.resetAfter = next - now
      return admitted
    },
    debt: (arrival, _, now) => Math.max(0, arrival - now),
  }
}

/** Counts from one mark of the clock to the next. The state is the number of the window and its count. */
function fixedWindow({ amount, window }: LimitRule): LimitAlgorithm {
  return {
    take(states, at, now, dry, out) {
      const number = Math.floor(now / window) + 1
      const count = states[at] === number ? states[at + 1]! : 0
      const left = number * window - now
      const admitted = count < amount
      const taken = admitted ? count + 1 : count
      if (admitted && !dry) {
        states[at] = number
        states[at + 1] = taken
      }
      out.delay = 0
      out.retryAfter = admitted ? 0 : left
      out.remaining = amount - taken
      out.resetAfter = taken === 0 ? 0 : left
      return admitted
    },
    debt: (number, count, now) => (number === Math.floor(now / window) + 1 ? (count * window) / amount : 0),
  }
}

/** Counts of two windows share one number; neither may reach this. */
export const MOST_PER_WINDOW = 2 ** 26

/**
 * The count of the running window and that of the one before, weighted by how much of it the last `window` ms still
 * cover. An estimate: it takes events of the window before as spread evenly.
 */
function slidingWindow({ amount, window }: LimitRule): LimitAlgorithm {
  return {
    take(states, at, now, dry, out) {
      const number = Math.floor(now / window) + 1
      const seen = states[at]!
      const counts = states[at + 1]!
      const latest = counts % MOST_PER_WINDOW
      const current = seen === number ? latest : 0
      const before = seen === number ? Math.floor(counts / MOST_PER_WINDOW) : seen === number - 1 ? latest : 0
      const left = number * window - now
      const weighted = before * (left / window)
      const admitted = weighted + current + 1 <= amount + ROUNDING
      const taken = admitted ? current + 1 : current
      if (admitted && !dry) {
        states[at] = number
        states[at + 1] = before * MOST_PER_WINDOW + taken
      }
      out.delay = 0
      out.retryAfter = admitted ? 0 : room(amount, window, before, current, left)
      out.remaining = Math.max(0, Math.floor(amount - weighted - taken + ROUNDING))
      out.resetAfter = taken > 0 ? left + window : before > 0 ? left : 0
      return admitted
    },
    debt(number, counts, now) {
      const age = Math.floor(now / window) + 1 - number
      return age > 1 ? 0 : ((counts % MOST_PER_WINDOW) * window) / amount
    },
  }
}

/** ms until the weighted count leaves room for one event. */
function room(amount: number, window: number, before: number, current: number, left: number): number {
  if (current + 1 <= amount) return left - ((amount - 1 - current) / before) * window
  // Only in the next window, in which the current count is the weighted one.
  return left + window - ((amount - 1) / current) * window
}

const ALGORITHMS: Readonly<Record<Algorithm, (rule: LimitRule) => LimitAlgorithm>> = {
  'token-bucket': bucket,
  'leaky-bucket': bucket,
  'fixed-window': fixedWindow,
  'sliding-window': slidingWindow,
}

export function compileAlgorithm(rule: LimitRule): LimitAlgorithm {
  return ALGORITHMS[rule.algorithm](rule)
}
