// Latencies of every interval as an HdrHistogram log (format 1.3), which HistogramLogProcessor and its like read: one
// line per route and upstream in which something has happened, compressed, with all that is needed for any percentile.
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import { HistogramLogWriter } from 'hdr-histogram-js'
import type { Durations, Page } from './durations.ts'
import { LatencyIntervals, toHistogram } from './latencies.ts'

export interface TaggedDurations {
  /** `route=NAME` or `upstream=NAME endpoint=URL` */
  readonly tag: string
  readonly durations: Durations
}

export interface IntervalLogOptions {
  /** ms */
  readonly interval: number
  readonly intervals: number
  /** Ends the log early. */
  readonly signal: AbortSignal
}

/** µs in a unit of the column Interval_Max: ms. */
const MAX_UNIT = 1000
/** Lines between two turns of the event loop: each is compressed. */
const STRIDE = 8
/** Durations between two turns of the event loop. */
const LOOK_STRIDE = 256

/** What came in one interval. */
export interface Interval {
  /** Unix ms */
  readonly start: number
  readonly end: number
  /** Only those in which something has happened. */
  readonly measured: readonly { readonly tag: string; readonly pages: readonly Page[] }[]
}

/** Yields the head at once, then the lines of each interval. `sources` are asked anew for each. */
export function intervalLog(
  sources: () => Iterable<TaggedDurations>,
  options: IntervalLogOptions,
): AsyncGenerator<string> {
  return logOf(intervalsOf(sources, options))
}

/** `intervals` never fail. */
export async function* logOf(intervals: AsyncGenerator<Interval>): AsyncGenerator<string> {
  let text = ''
  const writer = new HistogramLogWriter((line) => (text += line))
  const taken = (): string => {
    const now = text
    text = ''
    return now
  }
  writer.outputComment(
    '[Values in microseconds, Interval_Max in milliseconds, StartTimestamp in seconds since the epoch]',
  )
  writer.outputLogFormatVersion()
  writer.outputLegend()
  // The first interval begins with the head, not when the head was read.
  const first = intervals.next()
  yield taken()
  for (let { done, value } = await first; done !== true; { done, value } = await intervals.next()) {
    const { start, end, measured } = value as Interval
    let lines = 0
    for (const { tag, pages } of measured) {
      const histogram = toHistogram(pages)
      // The format has no way to write these.
      histogram.tag = tag.replace(/[\s,]+/g, '_')
      writer.outputIntervalHistogram(histogram, start / 1000, end / 1000, MAX_UNIT)
      if (++lines % STRIDE === 0) await nextTurn()
    }
    yield taken()
  }
}

/** One after the other, as they end. Never fails. */
export async function* intervalsOf(
  sources: () => Iterable<TaggedDurations>,
  { interval, intervals, signal }: IntervalLogOptions,
): AsyncGenerator<Interval> {
  const marks = new LatencyIntervals()
  let start = Date.now()
  for (const { durations } of sources()) marks.begin(durations)
  for (let i = 0; i < intervals; i++) {
    try {
      await pause(interval, undefined, { signal })
    } catch {
      return
    }
    const end = Date.now()
    const measured: { readonly tag: string; readonly pages: readonly Page[] }[] = []
    let looks = 0
    for (const { tag, durations } of sources()) {
      const pages = marks.next(durations)
      if (pages !== null) measured.push({ tag, pages })
      if (++looks % LOOK_STRIDE === 0) await nextTurn()
    }
    yield { start, end, measured }
    start = end
  }
}
