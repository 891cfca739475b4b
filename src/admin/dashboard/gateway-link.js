// The way to the admin API: which report is asked for when, and what the page knows about the gateway being there.

/** @typedef {'connecting' | 'live' | 'away' | 'refused' | 'unauthorized' | 'paused'} LinkState */

/**
 * @typedef {object} Source a report that is asked for again and again
 * @property {string} name
 * @property {number} every in beats of a second
 * @property {() => string} path
 * @property {(report: any) => void} show
 * @property {(problem: string) => void} failed
 */

/**
 * @typedef {object} LinkEvents
 * @property {(stats: any) => void} stats
 * @property {(state: LinkState, detail: string, retryIn: number) => void} state
 */

const BEAT = 1_000
const LONGEST_PAUSE = 15_000
const TIMEOUT = 5_000
const TOKEN_KEY = 'sluice-token'

export class Refusal extends Error {
  /** @param {number} status @param {string} message */
  constructor(status, message) {
    super(message)
    this.status = status
  }
}

export class GatewayLink {
  /** @type {LinkState} */
  state = 'connecting'
  #token = keptToken()
  #pause = BEAT
  #beat = 0
  /** Whatever is on its way for an older number is not looked at. */
  #run = 0
  #timer = 0
  #sources
  #events

  /** @param {readonly Source[]} sources @param {LinkEvents} events */
  constructor(sources, events) {
    this.#sources = sources
    this.#events = events
    document.addEventListener('visibilitychange', () => (document.hidden ? this.#stop() : this.start()))
  }

  get hasToken() {
    return this.#token !== ''
  }

  /** Asks now, and goes on. */
  start() {
    if (document.hidden) return
    clearTimeout(this.#timer)
    this.#beat = 0
    this.#run++
    void this.#tick(this.#run)
  }

  /** @param {string} token '' forgets it */
  signIn(token) {
    this.#token = token
    try {
      if (token === '') sessionStorage.removeItem(TOKEN_KEY)
      else sessionStorage.setItem(TOKEN_KEY, token)
    } catch {
      // It lasts as long as the page then.
    }
    this.start()
  }

  /** @param {string} path @returns {Promise<any>} Rejects with Refusal, or with the error of the network. */
  async ask(path) {
    const headers = this.hasToken ? { authorization: `Bearer ${this.#token}` } : {}
    const response = await fetch(path, { headers, cache: 'no-store', signal: AbortSignal.timeout(TIMEOUT) })
    if (response.ok) return response.json()
    const problem = await response.json().catch(() => null)
    const { detail, title } = problem ?? {}
    throw new Refusal(response.status, String(detail ?? title ?? `status ${response.status}`))
  }

  /** Asks one source before its time, for something that the user has changed. @param {string} name */
  refresh(name) {
    const source = this.#sources.find((candidate) => candidate.name === name)
    if (source !== undefined && this.state === 'live') void this.#read(source, this.#run)
  }

  #stop() {
    clearTimeout(this.#timer)
    this.#run++
    this.#become('paused', '')
  }

  /** @param {number} run */
  async #tick(run) {
    const began = performance.now()
    try {
      const stats = await this.ask('/admin/v1/stats')
      if (run !== this.#run) return
      this.#pause = BEAT
      this.#become('live', '')
      this.#events.stats(stats)
    } catch (error) {
      if (run === this.#run) this.#fail(run, error)
      return
    }
    const due = this.#sources.filter(({ every }) => this.#beat % every === 0)
    this.#beat++
    await Promise.all(due.map((source) => this.#read(source, run)))
    this.#later(run, BEAT - (performance.now() - began))
  }

  /** @param {Source} source @param {number} run */
  async #read(source, run) {
    try {
      const report = await this.ask(source.path())
      if (run === this.#run) source.show(report)
    } catch (error) {
      if (run === this.#run) source.failed(messageOf(error))
    }
  }

  /** @param {number} run @param {unknown} error */
  #fail(run, error) {
    if (error instanceof Refusal && error.status === 401) {
      this.#become('unauthorized', error.message)
      return
    }
    this.#become(error instanceof Refusal ? 'refused' : 'away', messageOf(error), this.#pause)
    this.#beat = 0
    this.#later(run, this.#pause)
    this.#pause = Math.min(LONGEST_PAUSE, this.#pause * 2)
  }

  /** @param {number} run @param {number} after ms */
  #later(run, after) {
    if (run !== this.#run) return
    this.#timer = window.setTimeout(() => void this.#tick(run), Math.max(50, after))
  }

  /** @param {LinkState} state @param {string} detail @param {number} [retryIn] ms */
  #become(state, detail, retryIn = 0) {
    this.state = state
    this.#events.state(state, detail, retryIn)
  }
}

/** @returns {string} */
function keptToken() {
  try {
    return sessionStorage.getItem(TOKEN_KEY) ?? ''
  } catch {
    return ''
  }
}

/** @param {unknown} error */
function messageOf(error) {
  if (error instanceof Refusal) return error.message
  return error instanceof DOMException && error.name === 'TimeoutError'
    ? 'There was no answer in 5 s'
    : 'There is no connection'
}
