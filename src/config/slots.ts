// The keys of a shared store with what is offered and what serves. A configuration on its way is a few changes over those that
// serve: a map of ten thousand is not copied for one of them.
import type { Entry, SharedName } from './shared-entry.ts'

/** A key of the store, or one that was there. */
export interface Slot extends SharedName {
  /** What is offered; null: it was deleted. */
  readonly entry: Entry | null
  /** What serves; null: nothing does. */
  readonly serves: Entry | null
}

export interface ReadonlySlots {
  get(key: string): Slot | undefined
  values(): Iterable<Slot>
}

export class Slots implements ReadonlySlots {
  readonly #base: Map<string, Slot>
  readonly #changes = new Map<string, Slot | null>()

  private constructor(base: Map<string, Slot>) {
    this.#base = base
  }

  static of(slots: Iterable<Slot>): Slots {
    return new Slots(new Map([...slots].map((slot) => [slot.key, slot])))
  }

  /** Sees all that these do; what is set in it is not seen by them. */
  over(): Slots {
    const next = new Slots(this.#base)
    for (const [key, slot] of this.#changes) next.#changes.set(key, slot)
    return next
  }

  /** The changes become what everything else is laid over: call it once it serves. */
  settle(): void {
    for (const [key, slot] of this.#changes) {
      if (slot === null) this.#base.delete(key)
      else this.#base.set(key, slot)
    }
    this.#changes.clear()
  }

  get size(): number {
    let size = this.#base.size
    for (const [key, slot] of this.#changes) size += Number(slot !== null) - Number(this.#base.has(key))
    return size
  }

  get(key: string): Slot | undefined {
    const changed = this.#changes.size === 0 ? undefined : this.#changes.get(key)
    return changed === undefined ? this.#base.get(key) : (changed ?? undefined)
  }

  set(slot: Slot): void {
    this.#changes.set(slot.key, slot)
  }

  delete(key: string): void {
    this.#changes.set(key, null)
  }

  *values(): Generator<Slot> {
    for (const slot of this.#base.values()) {
      const changed = this.#changes.get(slot.key)
      if (changed === undefined) yield slot
      else if (changed !== null) yield changed
    }
    for (const [key, slot] of this.#changes) if (slot !== null && !this.#base.has(key)) yield slot
  }
}
