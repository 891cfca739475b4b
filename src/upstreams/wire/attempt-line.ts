// Requests one behind the other: those that wait for a connection, and those of a connection that wait for their replies.
// Linked through the attempts: joining and leaving from the middle cost nothing, however long the line is.
import type { WireAttempt } from './attempt.ts'

export class AttemptLine {
  length = 0
  first: WireAttempt | null = null
  #last: WireAttempt | null = null

  join(attempt: WireAttempt): void {
    attempt.line = this
    attempt.previous = this.#last
    attempt.next = null
    if (this.#last === null) this.first = attempt
    else this.#last.next = attempt
    this.#last = attempt
    this.length++
  }

  /** Takes the first out; null when the line is empty. */
  shift(): WireAttempt | null {
    const { first } = this
    if (first !== null) this.remove(first)
    return first
  }

  /** `attempt` is in this line. */
  remove(attempt: WireAttempt): void {
    if (attempt.previous === null) this.first = attempt.next
    else attempt.previous.next = attempt.next
    if (attempt.next === null) this.#last = attempt.previous
    else attempt.next.previous = attempt.previous
    attempt.line = null
    attempt.previous = null
    attempt.next = null
    this.length--
  }
}
