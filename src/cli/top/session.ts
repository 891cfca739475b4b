// `sluice top` at work: reports from the gateway, one after the other, and the view that they make.
import { setTimeout } from 'node:timers/promises'
import type { StatsReport } from '../../admin/stats-report.ts'
import { Counters, Figures, type UpstreamReport } from '../../admin/dashboard/figures.js'
import { AdminRefusal, type AdminClient } from '../admin-client.ts'
import { keysOf, press } from './keys.ts'
import type { Screen } from './screen.ts'
import { endpointRows } from './tables.ts'
import { render, type View } from './view.ts'

/** ms, however often the gateway did not answer */
const LONGEST_PAUSE = 5_000
/** Lines of a screen that are not rows of a table, about. */
const FRAME_LINES = 8

export interface SessionOptions {
  readonly address: string
  /** ms */
  readonly interval: number
  readonly colour: boolean
}

export class Session {
  view: View
  readonly #client: AdminClient
  readonly #options: SessionOptions
  readonly #figures = new Figures()
  #counters = new Counters()
  #restarts = 0

  constructor(client: AdminClient, options: SessionOptions) {
    this.#client = client
    this.#options = options
    this.view = {
      address: options.address,
      reading: null,
      endpoints: [],
      problem: '',
      table: 'routes',
      // By traffic, and what is not well first.
      sorted: { routes: 1, upstreams: 1 },
      filter: '',
      typing: false,
      offset: 0,
    }
  }

  /** One more report. Rejects with AdminRefusal. */
  async read(signal?: AbortSignal): Promise<void> {
    const [stats, { upstreams }] = await Promise.all([
      this.#client.get<StatsReport>('/admin/v1/stats', signal),
      this.#client.get<{ upstreams: UpstreamReport[] }>('/admin/v1/upstreams', signal),
    ])
    const reading = this.#figures.read(stats)
    if (this.#figures.restarts !== this.#restarts) {
      this.#restarts = this.#figures.restarts
      this.#counters = new Counters()
    }
    const endpoints = endpointRows(upstreams, this.#counters, performance.now())
    this.view = { ...this.view, reading, endpoints, problem: '' }
  }

  /** Two reports, so that there are rates. Rejects with AdminRefusal. */
  async readTwice(): Promise<void> {
    await this.read()
    await setTimeout(this.#options.interval)
    await this.read()
  }

  /** Until a key or a signal ends it. Resolves with the exit code; rejects with AdminRefusal when the token is wrong. */
  async watch(screen: Screen): Promise<number> {
    const ending = new AbortController()
    let code = 0
    const draw = (): void => screen.draw(render(this.view, screen.size, this.#options.colour))
    const end = (how: number): void => {
      code = how
      ending.abort()
    }
    screen.open({
      ended: end,
      resized: draw,
      input: (text) => {
        for (const key of keysOf(text)) {
          if (key === 'suspend') screen.suspend()
          else if (!this.#press(key, screen.size.rows - FRAME_LINES)) end(0)
        }
        draw()
      },
    })
    try {
      draw()
      await this.#follow(draw, ending.signal)
    } finally {
      screen.close()
    }
    return code
  }

  /** False: it is over. */
  #press(key: string, page: number): boolean {
    const next = press(this.view, key, page)
    if (next !== null) this.view = next
    return next !== null
  }

  async #follow(draw: () => void, signal: AbortSignal): Promise<void> {
    const { interval } = this.#options
    let pause = interval
    while (!signal.aborted) {
      try {
        await this.read(signal)
        pause = interval
      } catch (error) {
        if (signal.aborted) return
        if (!(error instanceof AdminRefusal) || error.status === 401) throw error
        this.view = { ...this.view, problem: error.message }
        pause = Math.max(interval, Math.min(LONGEST_PAUSE, pause * 2))
      }
      draw()
      await setTimeout(pause, null, { signal }).catch(() => {})
    }
  }
}
