// Which log entries are kept. Each level has a share for quiet times and one for times in which more entries of that
// level come than the configuration wants; an entry that is kept says the share that it stands for, so that counts can
// be reconstructed. Errors are never left out.
import { DEBUG, ERROR, INFO, WARN } from './log-level.ts'

export interface SamplingTier {
  /** Part of the entries that is kept, 0 to 1. */
  readonly share: number
  /** The same while more than `rate` entries per second come. */
  readonly above: number
}

export interface SamplingRules {
  /** Entries per second, of one level, before sampling. */
  readonly rate: number
  readonly debug: SamplingTier
  readonly info: SamplingTier
  readonly warn: SamplingTier
}

/** ms */
const WINDOW = 1000

/** How many entries of one level come: the window before fades out as the current one fills. */
class Arrivals {
  #start = -Infinity
  #current = 0
  #before = 0

  /** One more, at `time` (monotonic ms); returns entries per second. */
  count(time: number): number {
    const passed = time - this.#start
    if (passed >= WINDOW) {
      this.#before = passed < 2 * WINDOW ? this.#current : 0
      this.#current = 0
      this.#start = passed < 2 * WINDOW ? this.#start + WINDOW : time
    }
    this.#current++
    return this.#current + this.#before * (1 - (time - this.#start) / WINDOW)
  }
}

export class LogSampler {
  readonly #rules: SamplingRules
  readonly #tiers: readonly SamplingTier[]
  readonly #arrivals = [new Arrivals(), new Arrivals(), new Arrivals()]
  readonly #random: () => number

  constructor(rules: SamplingRules, random: () => number = Math.random) {
    this.#rules = rules
    this.#random = random
    const tiers: SamplingTier[] = []
    tiers[DEBUG] = rules.debug
    tiers[INFO] = rules.info
    tiers[WARN] = rules.warn
    this.#tiers = tiers
  }

  /** 0: the entry is left out; else the share that it stands for. `time` is monotonic ms and never goes back. */
  decide(level: number, time: number): number {
    if (level >= ERROR) return 1
    const tier = this.#tiers[level]!
    const busy = this.#arrivals[level]!.count(time) > this.#rules.rate
    return draw(busy ? tier.above : tier.share, this.#random)
  }
}

/** Keeps one entry of a fixed share: 0, or the share. */
export function draw(share: number, random: () => number = Math.random): number {
  return share >= 1 || random() < share ? share : 0
}
