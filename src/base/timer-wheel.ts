// Hashed timing wheel (Varghese & Lauck, 1987, scheme 6): arming and disarming a timeout costs a few writes and
// allocates nothing, so every request can have several. Resolution is one tick; a timer never fires early.
//
//   slots   [0] [1] [2] ... [SLOTS-1]      each a ring of timers whose due tick falls on that slot
//                ^ tick
import { now } from './clock.ts'

const TICK_MS = 10
const SLOTS = 1024
const MASK = SLOTS - 1

/** One timeout, made once and armed many times. Belongs to whoever embeds it. */
export class Timer {
  /** Tick at which it is due; 0 while disarmed. */
  due = 0
  previous: Timer = this
  next: Timer = this
  readonly fire: () => void

  constructor(fire: () => void) {
    this.fire = fire
  }

  get armed(): boolean {
    return this.due !== 0
  }
}

export class TimerWheel {
  readonly #slots: Timer[] = Array.from({ length: SLOTS }, () => new Timer(noop))
  readonly #expired = new Timer(noop)
  readonly #clock: () => number
  #tick: number
  #armed = 0
  #interval: NodeJS.Timeout | null = null

  /** `clock` gives monotonic milliseconds; tests pass their own and call `advance` themselves. */
  constructor(clock: () => number = now) {
    this.#clock = clock
    this.#tick = Math.floor(clock() / TICK_MS)
  }

  /** Number of armed timers. */
  get size(): number {
    return this.#armed
  }

  /** (Re)arms a timer to fire once, `ms` milliseconds from now or up to one tick later. */
  arm(timer: Timer, ms: number): void {
    if (timer.due !== 0) this.disarm(timer)
    if (this.#interval === null) this.#start()
    const due = Math.max(this.#tick + 1, Math.ceil((this.#clock() + ms) / TICK_MS))
    timer.due = due
    link(this.#slots[due & MASK]!, timer)
    this.#armed++
  }

  disarm(timer: Timer): void {
    if (timer.due === 0) return
    timer.due = 0
    unlink(timer)
    this.#armed--
  }

  /** ms until it fires, rounded up to a tick; 0 while disarmed. */
  left(timer: Timer): number {
    return timer.due === 0 ? 0 : Math.max(0, timer.due * TICK_MS - this.#clock())
  }

  /** Fires what is due now. */
  advance(): void {
    const now = Math.floor(this.#clock() / TICK_MS)
    // After a long pause of the loop one walk over every slot finds all that is due.
    const from = Math.max(this.#tick + 1, now - MASK)
    for (let tick = from; tick <= now; tick++) this.#collect(this.#slots[tick & MASK]!, now)
    this.#tick = now
    const expired = this.#expired
    while (expired.next !== expired) {
      const timer = expired.next
      this.disarm(timer) // before fire, which may arm it again
      timer.fire()
    }
    if (this.#armed === 0) this.#stop()
  }

  #collect(slot: Timer, now: number): void {
    let timer = slot.next
    while (timer !== slot) {
      const next = timer.next
      if (timer.due <= now) {
        unlink(timer)
        link(this.#expired, timer)
      }
      timer = next
    }
  }

  // An idle gateway sleeps: the interval runs only while something is armed.
  #start(): void {
    this.#tick = Math.floor(this.#clock() / TICK_MS)
    this.#interval = setInterval(() => this.advance(), TICK_MS)
    this.#interval.unref()
  }

  #stop(): void {
    if (this.#interval !== null) clearInterval(this.#interval)
    this.#interval = null
  }
}

function link(ring: Timer, timer: Timer): void {
  timer.previous = ring.previous
  timer.next = ring
  ring.previous.next = timer
  ring.previous = timer
}

function unlink(timer: Timer): void {
  timer.previous.next = timer.next
  timer.next.previous = timer.previous
  timer.previous = timer
  timer.next = timer
}

function noop(): void {}
