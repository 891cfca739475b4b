// A wait that can be cut short: by whoever closes, or has news.
import { Timer, type TimerWheel } from './timer-wheel.ts'

/** One wait at a time. */
export class Pause {
  readonly #wheel: TimerWheel
  readonly #timer = new Timer(() => this.end())
  #resolve: (() => void) | null = null

  constructor(wheel: TimerWheel) {
    this.#wheel = wheel
  }

  /** Settles after `ms`, or when `end` is called. */
  wait(ms: number): Promise<void> {
    this.end()
    this.#wheel.arm(this.#timer, ms)
    return new Promise((resolve) => (this.#resolve = resolve))
  }

  end(): void {
    this.#wheel.disarm(this.#timer)
    const resolve = this.#resolve
    this.#resolve = null
    resolve?.()
  }
}
