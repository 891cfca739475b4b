// Latencies of every interval as an HdrHistogram log (format 1.3), which HistogramLogProcessor and its like read: one
// line per route and upstream in which something has happened, compressed, with all that is needed for any percentile.
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import { HistogramLogWriter } from 'hdr-histogram-js'
import type { Durations } from './durations.ts'
import { LatencyIntervals } from './latencies.ts'

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

/** Yields the head at once, then the lines of each interval. `sources` are asked anew for each. */
export async function* intervalLog(
  sources: () => Iterable<TaggedDurations>,
  { interval, intervals, signal }: IntervalLogOptions,
): AsyncGenerator<string> {
  let text = ''
  const writer = new HistogramLogWriter((line) => (text += line))
  const taken = (): string => {
    const now = text
    text = ''
    return now
  }
  const marks = new LatencyIntervals()
  let start = Date.now()
  for (const { durations } of sources()) marks.begin(durations)
  writer.outputComment(
    '[Values in microseconds, Interval_Max in milliseconds, StartTimestamp in seconds since the epoch]',
  )
  writer.outputLogFormatVersion()
  writer.outputLegend()
  yield taken()
  for (let i = 0; i < intervals; i++) {
    try {
      await pause(interval, undefined, { signal })
    } catch {
      return
    }
    const end = Date.now()
    let lines = 0
    for (const { tag, durations } of sources()) {
      const histogram = marks.next(durations)
      if (histogram === null) continue
      // The format has no way to write these.
      histogram.tag = tag.replace(/[\s,]+/g, '_')
      writer.outputIntervalHistogram(histogram, start / 1000, end / 1000, MAX_UNIT)
      if (++lines % STRIDE === 0) await nextTurn()
    }
    start = end
    yield taken()
  }
}
