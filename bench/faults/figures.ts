// From what was seen to what a reader wants to know.
import type { Outcome, Sample } from '../open-loop.ts'

/** ms. Arrivals are counted in intervals of this length everywhere. */
export const INTERVAL = 100
/** Intervals in which a share is judged: a second. */
const WINDOW = 10
const GONE = 0.01
const BACK = 0.8
/** ms after recovery in which a herd would show. */
const HERD = 10_000

/** Start of an interval in ms since 1970, and how many arrived in it. */
export type Series = readonly (readonly [number, number])[]

export interface Run {
  readonly fault: string
  /** Wall clock, ms. */
  readonly begun: number
  readonly fell: number
  readonly healed: number
  readonly ended: number
  readonly samples: readonly Sample[]
  /** Of each endpoint; the first is the faulty one. Attempts to connect that no process saw count for it. */
  readonly arrivals: readonly Series[]
  /** Requests that endpoints read while the fault was on. */
  readonly read: number
  /** CPU of the client, in cores. */
  readonly clientCpu: number
}

export interface Latency {
  readonly p50: number
  readonly p99: number
}

/** Times in ms; null: it never came to that. */
export interface Figures {
  readonly fault: string
  readonly requests: number
  readonly errors: {
    readonly total: number
    readonly detecting: number
    readonly detected: number
    readonly healed: number
  }
  readonly cut: number
  readonly outcomes: Readonly<Record<string, number>>
  readonly detect: number | null
  readonly recover: number | null
  /** Times its fair share. */
  readonly herd: number | null
  readonly amplification: number
  readonly latency: Readonly<Record<'before' | 'during' | 'after', Latency>>
  readonly clientCpu: number
  /** It went badly before there was a fault: the row says more about the machine. */
  readonly isDisturbed: boolean
}

/** ms of the load before the fault that are warm-up. */
const COLD = 1500
/** ms. A median beyond it, or an error, before there is a fault: the machine has other work. */
const BUSY = 20

const ERRORS: ReadonlySet<Outcome> = new Set(['status', 'transport', 'mixed', 'timeout'])

export function figuresOf(run: Run): Figures {
  const { fault, begun, fell, healed, ended, samples, clientCpu } = run
  const detect = firstSecond(run, fell, healed, (share) => share < GONE)
  const recover = firstSecond(run, healed, ended, (share) => share >= BACK / run.arrivals.length)
  const within = (from: number, to: number): Sample[] => samples.filter(({ due }) => due >= from && due < to)
  const errors = (from: number, to: number): number =>
    within(from, to).filter(({ outcome }) => ERRORS.has(outcome)).length
  const known = detect === null ? healed : fell + detect
  const during = within(fell, healed)
  const before = latency(within(begun + COLD, fell))
  return {
    fault,
    requests: samples.length,
    errors: {
      total: errors(fell, ended),
      detecting: errors(fell, known),
      detected: errors(known, healed),
      healed: errors(healed, ended),
    },
    cut: samples.filter(({ outcome }) => outcome === 'cut').length,
    outcomes: count(samples),
    detect,
    recover,
    herd: recover === null ? null : largestShare(run, healed + recover, Math.min(ended, healed + recover + HERD)),
    amplification: run.read / during.length,
    latency: { before, during: latency(during), after: latency(within(healed, ended)) },
    clientCpu,
    // Requests that were on their way when the fault began are its own.
    isDisturbed: before.p50 > BUSY || errors(begun + COLD, fell - INTERVAL) > 0,
  }
}

/** Share of the first endpoint in each whole second between the two, in steps of an interval. */
function* shares({ arrivals }: Run, from: number, to: number): Generator<readonly [at: number, share: number]> {
  const series = arrivals.map((each) => new Map(each))
  const start = Math.ceil(from / INTERVAL) * INTERVAL
  for (let at = start; at + WINDOW * INTERVAL <= to; at += INTERVAL) {
    const sums = series.map((counts) => {
      let sum = 0
      for (let i = 0; i < WINDOW; i++) sum += counts.get(at + i * INTERVAL) ?? 0
      return sum
    })
    const total = sums.reduce((sum, each) => sum + each, 0)
    if (total > 0) yield [at, sums[0]! / total]
  }
}

function firstSecond(run: Run, from: number, to: number, holds: (share: number) => boolean): number | null {
  for (const [at, share] of shares(run, from, to)) if (holds(share)) return Math.max(0, at - from)
  return null
}

function largestShare(run: Run, from: number, to: number): number {
  let largest = 0
  for (const [, share] of shares(run, from, to)) largest = Math.max(largest, share)
  return largest * run.arrivals.length
}

function count(samples: readonly Sample[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { outcome, status } of samples) {
    const name = outcome === 'status' ? String(status) : outcome
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}

function latency(samples: readonly Sample[]): Latency {
  const sorted = samples.map((sample) => sample.latency).toSorted((a, b) => a - b)
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
  return { p50: at(0.5), p99: at(0.99) }
}

const COLUMNS = [
  'fault',
  'errors',
  'while detecting',
  'detected',
  'healed',
  'cut after the head',
  'detect s',
  'recover s',
  'herd',
  'amplification',
  'p50 / p99 ms before',
  'during',
  'after',
]

export function table(rows: readonly Figures[]): string {
  const seconds = (ms: number | null): string => (ms === null ? 'never' : (ms / 1000).toFixed(1))
  const both = ({ p50, p99 }: Latency): string => `${p50.toFixed(1)} / ${p99.toFixed(0)}`
  const lines = rows.map(({ fault, isDisturbed, errors, cut, detect, recover, herd, amplification, latency }) => [
    isDisturbed ? `${fault} (disturbed)` : fault,
    `${errors.total}`,
    `${errors.detecting}`,
    `${errors.detected}`,
    `${errors.healed}`,
    `${cut}`,
    seconds(detect),
    seconds(recover),
    herd === null ? '' : herd.toFixed(2),
    amplification.toFixed(2),
    both(latency.before),
    both(latency.during),
    both(latency.after),
  ])
  return [COLUMNS, COLUMNS.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |\n`).join('')
}
