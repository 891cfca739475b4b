// How many requests of one key run at once, and who waits for one of them to end.

/** A request that waits. */
interface Waiting {
  readonly admit: () => void
  readonly timer: NodeJS.Timeout
}

interface Slot {
  readonly key: string
  active: number
  /** First come, first served. */
  readonly waiting: Set<Waiting>
}

/** What a request holds until it ends. */
export interface Held {
  readonly slot: Slot
  /** null: it runs. */
  waiting: Waiting | null
}

export class Slots {
  /** Changed by a reload; requests that run go on. */
  max = 1
  /** Keys with a request that runs: no more than requests that run. */
  readonly #slots = new Map<string, Slot>()

  get keys(): number {
    return this.#slots.size
  }

  /** A place that runs at once, or null: all are taken. */
  take(key: string): Held | null {
    let slot = this.#slots.get(key)
    if (slot === undefined) {
      slot = { key, active: 0, waiting: new Set() }
      this.#slots.set(key, slot)
    }
    if (slot.active >= this.max) return null
    slot.active++
    return { slot, waiting: null }
  }

  /** A place in the line behind at most `queue` others; `ended(true)` when it runs, `ended(false)` after `maxWait` ms. */
  wait(key: string, queue: number, maxWait: number, ended: (admitted: boolean) => void): Held | null {
    const slot = this.#slots.get(key)!
    if (slot.waiting.size >= queue) return null
    const held: Held = { slot, waiting: null }
    const waiting: Waiting = {
      admit() {
        clearTimeout(waiting.timer)
        held.waiting = null
        ended(true)
      },
      timer: setTimeout(() => {
        slot.waiting.delete(waiting)
        ended(false)
      }, maxWait),
    }
    held.waiting = waiting
    slot.waiting.add(waiting)
    return held
  }

  /** The request is over, whether it ran or waited. */
  release({ slot, waiting }: Held): void {
    if (waiting !== null) {
      clearTimeout(waiting.timer)
      slot.waiting.delete(waiting)
    } else {
      slot.active--
      this.#admitNext(slot)
    }
    if (slot.active === 0 && slot.waiting.size === 0) this.#slots.delete(slot.key)
  }

  #admitNext(slot: Slot): void {
    for (const next of slot.waiting) {
      if (slot.active >= this.max) return
      slot.waiting.delete(next)
      slot.active++
      next.admit()
    }
  }
}
