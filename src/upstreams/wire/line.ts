// Things one behind the other: requests that wait for a connection, and those of a connection that wait for their replies.
// Linked through the things themselves: joining and leaving from the middle cost nothing, however long the line is.

export interface Linked<T extends Linked<T>> {
  /** The line that it stands in, with its neighbours there. */
  line: Line<T> | null
  previous: T | null
  next: T | null
}

export class Line<T extends Linked<T>> {
  length = 0
  first: T | null = null
  #last: T | null = null

  join(item: T): void {
    item.line = this
    item.previous = this.#last
    item.next = null
    if (this.#last === null) this.first = item
    else this.#last.next = item
    this.#last = item
    this.length++
  }

  /** Takes the first out; null when the line is empty. */
  shift(): T | null {
    const { first } = this
    if (first !== null) this.remove(first)
    return first
  }

  /** `item` is in this line. */
  remove(item: T): void {
    if (item.previous === null) this.first = item.next
    else item.previous.next = item.next
    if (item.next === null) this.#last = item.previous
    else item.next.previous = item.previous
    item.line = null
    item.previous = null
    item.next = null
    this.length--
  }
}
