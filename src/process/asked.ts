// The workers that are asked to prepare a configuration, and what they have answered.
import type { Refused } from './messages.ts'
import type { Outcome, WorkerSlot } from './worker-slot.ts'

export class Asked {
  /** They have not answered. */
  readonly open: Set<WorkerSlot>
  readonly prepared: WorkerSlot[] = []
  readonly refusals: Refused[] = []

  constructor(slots: Iterable<WorkerSlot>) {
    this.open = new Set(slots)
  }

  async ask(slot: WorkerSlot, ask: (slot: WorkerSlot) => Promise<Outcome>): Promise<Outcome> {
    const outcome = await ask(slot)
    this.open.delete(slot)
    if (outcome.type === 'prepared') this.prepared.push(slot)
    else if (outcome.type === 'refused') this.refusals.push(outcome)
    return outcome
  }

  /** Others are done, and wait for it. */
  isAwaited(slot: WorkerSlot): boolean {
    return this.prepared.length > 0 && this.open.has(slot)
  }
}
