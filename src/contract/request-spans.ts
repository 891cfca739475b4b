// What is recorded of a request that is sampled: the requests to its upstream, and the plugins that it waited for.
import { now } from '../base/clock.ts'
import type { Failure } from '../base/errors.ts'
import { newSpanId } from '../base/trace-ids.ts'

/** One request to an endpoint. Times are monotonic ms. */
export class TrySpan {
  readonly id = newSpanId()
  /** Origin of the endpoint. */
  readonly url: string
  readonly upstream: string
  /** How often the request was sent before; -1: this one ran beside another. */
  readonly resends: number
  readonly start: number
  /** 0: it goes on. */
  end = 0
  /** 0: there was no reply. */
  status = 0
  /** SLUICE_…, or ''. */
  error = ''

  constructor(url: string, upstream: string, resends: number, start = now()) {
    this.url = url
    this.upstream = upstream
    this.resends = resends
    this.start = start
  }

  /** What is not the upstream's doing leaves it without an answer, and no more. */
  failed({ kind }: Failure): void {
    if (kind.source === 'upstream') this.error = kind.code
  }

  finish(): void {
    if (this.end === 0) this.end = now()
  }
}

/** A plugin was waited for. */
export class WaitSpan {
  readonly id = newSpanId()
  readonly plugin: string
  readonly start = now()
  end = 0
  error = ''

  constructor(plugin: string) {
    this.plugin = plugin
  }
}

export class RequestSpans {
  readonly tries: TrySpan[] = []
  readonly waits: WaitSpan[] = []
  /** The plugin that refused the request, or failed at it. */
  plugin = ''
  #resends = 0

  /** A request leaves. */
  sent(url: string, upstream: string): TrySpan {
    return this.#add(new TrySpan(url, upstream, this.#resends++))
  }

  /** A second request leaves beside one that is slow. */
  hedged(url: string, upstream: string): TrySpan {
    return this.#add(new TrySpan(url, upstream, -1))
  }

  #add(span: TrySpan): TrySpan {
    this.tries.push(span)
    return span
  }

  waitsFor(plugin: string): void {
    this.waits.push(new WaitSpan(plugin))
  }

  failed(code: string, plugin: string): void {
    this.plugin = plugin
    this.goesOn(code)
  }

  /** The wait is over; `error` says how it failed. */
  goesOn(error = ''): void {
    const last = this.waits.at(-1)
    if (last === undefined || last.end !== 0) return
    last.end = now()
    last.error = error
  }
}
