// Requests that wait for a connection, first come first served. Linked through the attempts: joining and leaving from
// the middle cost nothing, however long the line is.
import type { WireAttempt } from './attempt.ts'

export class Line {
  length = 0
  first: WireAttempt | null = null
  #last: WireAttempt | null = null

  join(attempt: WireAttempt): void {
    attempt.previous = this.#last
    attempt.next = null
    if (this.#last === null) this.first = attempt
    else this.#last.next = attempt
    this.#last = attempt
    attempt.waits = true
    this.length++
  }

  /** Takes the first out; null when nobody waits. */
  shift(): WireAttempt | null {
    const first = this.first
    if (first !== null) this.remove(first)
    return first
  }

  /** `attempt` is in the line. */
  remove(attempt: WireAttempt): void {
    if (attempt.previous === null) this.first = attempt.next
    else attempt.previous.next = attempt.next
    if (attempt.next === null) this.#last = attempt.previous
    else attempt.next.previous = attempt.previous
    attempt.previous = null
    attempt.next = null
    attempt.waits = false
    this.length--
  }
}
