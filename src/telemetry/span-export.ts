// From finished spans to their receiver: a bounded queue, and batches one after the other. The processor of the SDK would
// do the same, but says neither how many spans it has lost nor gives up a receiver that answers byte by byte.
import type { Logger } from './logger.ts'
import type { OtlpSender, OtlpSettings } from './otlp.ts'
import type { Span, SpanCounts, SpanSink } from './span.ts'

export interface SpanExportSettings extends OtlpSettings {
  /** Spans that may wait. */
  readonly queue: number
}

/** Spans in one request to the receiver: encoding them holds up the loop, by one or two ms. */
const BATCH = 256
/** ms that spans wait for others. */
const DELAY = 1000
/** ms above its own limit after which a batch is given up. */
const GRACE = 1000
/** Requests per second that are recorded because they failed or were slow: an outage must not become one of ours. */
const MOST_LATE = 100
const SECOND = 1000

export class SpanExport implements SpanSink {
  readonly #settings: SpanExportSettings
  readonly #counts: SpanCounts
  readonly #log: Logger
  readonly #waiting: Span[] = []
  #sender: OtlpSender | null = null
  #loading: Promise<void> | null = null
  #timer: NodeJS.Timeout | null = null
  #running: Promise<void> | null = null
  #giveUp: (() => void) | null = null
  #closing: Promise<void> | null = null
  #closed = false
  #failing = false
  #second = -Infinity
  #late = 0

  constructor(settings: SpanExportSettings, counts: SpanCounts, log: Logger) {
    this.#settings = settings
    this.#counts = counts
    this.#log = log
  }

  /** Loads what sends spans. Rejects when it cannot be loaded. */
  load(): Promise<void> {
    return (this.#loading ??= this.#load())
  }

  async #load(): Promise<void> {
    const { OtlpSender } = await import('./otlp.ts')
    this.#sender = new OtlpSender(this.#settings)
  }

  add(spans: readonly Span[]): void {
    if (this.#closed || this.#waiting.length + spans.length > this.#settings.queue) {
      this.#counts.dropped += spans.length
      return
    }
    for (const span of spans) this.#waiting.push(span)
    if (this.#waiting.length >= BATCH) this.#run()
    else this.#timer ??= setTimeout(() => this.#run(), DELAY).unref()
  }

  lose(spans: number): void {
    this.#counts.dropped += spans
  }

  takesLate(time: number): boolean {
    if (time - this.#second >= SECOND) {
      this.#second = time
      this.#late = 0
    }
    return this.#late++ < MOST_LATE
  }

  #run(): void {
    this.#running ??= this.#sendAll().finally(() => {
      this.#running = null
      if (this.#waiting.length > 0 && !this.#closed) this.#timer ??= setTimeout(() => this.#run(), DELAY).unref()
    })
  }

  /** Whole batches, one at a time; when it is closing, the rest too. Never rejects. */
  async #sendAll(): Promise<void> {
    this.#stopTimer()
    for (let least = 1; !this.#closed && this.#waiting.length >= least; least = this.#closing === null ? BATCH : 1) {
      const batch = this.#waiting.splice(0, BATCH)
      const reason = await this.#send(batch)
      this.#counts[reason === '' ? 'exported' : 'failed'] += batch.length
      this.#tell(reason)
    }
  }

  /** '', or why the batch was lost. */
  async #send(batch: readonly Span[]): Promise<string> {
    const { timeout } = this.#settings
    try {
      await this.load()
    } catch (error) {
      this.#loading = null
      return (error as Error).message
    }
    const sender = this.#sender!
    let timer: NodeJS.Timeout | undefined
    const limit = new Promise<string>((resolve) => {
      this.#giveUp = () => resolve('the gateway stops')
      timer = setTimeout(() => {
        // Its own clock starts again with every byte. A new one does not wait behind what is left of this one.
        sender.destroy()
        this.#sender = null
        this.#loading = null
        resolve(`no answer within ${timeout} ms`)
      }, timeout + GRACE).unref()
    })
    try {
      return await Promise.race([sender.send(batch), limit])
    } finally {
      clearTimeout(timer)
      this.#giveUp = null
    }
  }

  /** Once when it begins to fail, once when it is well again. */
  #tell(reason: string): void {
    const failing = reason !== ''
    if (failing === this.#failing) return
    this.#failing = failing
    if (failing) this.#log.warn({ reason }, 'traces cannot be exported; what there is no room for is lost')
    else this.#log.info({}, 'traces are exported again')
  }

  /** Sends what is there, for `limit` ms at most. Never rejects. */
  close(limit: number): Promise<void> {
    return (this.#closing ??= this.#close(limit))
  }

  async #close(limit: number): Promise<void> {
    // A round that is under way ends with its batch, or goes on with the rest: whoever comes first.
    const end = setTimeout(() => this.#end(), limit)
    while (!this.#closed && (this.#waiting.length > 0 || this.#running !== null)) {
      this.#run()
      await this.#running
    }
    clearTimeout(end)
    this.#end()
  }

  #end(): void {
    if (this.#closed) return
    this.#closed = true
    this.#stopTimer()
    this.#giveUp?.()
    this.#sender?.destroy()
    const left = this.#waiting.length
    this.#counts.dropped += left
    this.#waiting.length = 0
    if (left > 0) this.#log.warn({ spans: left }, 'spans were not exported in time')
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }
}
