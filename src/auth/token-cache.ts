// Accepted tokens, the least recently used one leaves first. A hit allocates nothing and does not hash the token
// (bench/micro/jwt.ts): V8 would hash 800 characters anew for each request, as each brings a string of its own.
//
//   index: tail -> entry -> sameTail -> ...        the last characters of the signature find the entry
//   age:   newest <-> ... <-> oldest               a ring through one sentinel
//
// Nobody chooses the tail of a signature that verifies, so chains stay short whatever is sent.
import type { AcceptedToken, RefusedToken } from '../contract/auth.ts'
import type { Claims } from '../contract/plugin.ts'
import { timeProblem, type Times } from './claims.ts'

const NO_TIMES: Times = { expires: 0, notBefore: 0, issued: 0 }

export class TokenEntry<T> implements AcceptedToken<T> {
  readonly accepted = true
  readonly claims: Claims
  readonly value: T
  readonly text: string
  readonly times: Times
  /** Monotonic ms from which it must be verified again. */
  readonly until: number
  readonly tail: number
  sameTail: TokenEntry<T> | null = null
  newer: TokenEntry<T> = this
  older: TokenEntry<T> = this

  constructor(text: string, claims: Claims, value: T, times: Times, until: number) {
    this.text = text
    this.claims = claims
    this.value = value
    this.times = times
    this.until = until
    this.tail = tailOf(text)
  }

  /** Null when it is still valid. */
  problem(wallTime: number): RefusedToken | null {
    return timeProblem(this.times, wallTime)
  }
}

export class TokenCache<T> {
  readonly #capacity: number
  readonly #index = new Map<number, TokenEntry<T>>()
  readonly #ring = new TokenEntry<T>('', {}, null as T, NO_TIMES, 0)
  #size = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get size(): number {
    return this.#size
  }

  /** The entry of that text, which is now the newest; null if there is none, or `now` (monotonic ms) is too late. */
  find(text: string, now: number): TokenEntry<T> | null {
    let entry = this.#index.get(tailOf(text)) ?? null
    while (entry !== null && entry.text !== text) entry = entry.sameTail
    if (entry === null) return null
    if (now >= entry.until) {
      this.remove(entry)
      return null
    }
    if (this.#ring.older !== entry) {
      unlink(entry)
      this.#link(entry)
    }
    return entry
  }

  add(entry: TokenEntry<T>): void {
    const same = this.#find(entry.text)
    if (same !== null) this.remove(same)
    if (this.#size === this.#capacity) this.remove(this.#ring.newer)
    entry.sameTail = this.#index.get(entry.tail) ?? null
    this.#index.set(entry.tail, entry)
    this.#link(entry)
    this.#size++
  }

  remove(entry: TokenEntry<T>): void {
    unlink(entry)
    this.#size--
    let before = this.#index.get(entry.tail)!
    if (before === entry) {
      if (entry.sameTail === null) this.#index.delete(entry.tail)
      else this.#index.set(entry.tail, entry.sameTail)
      return
    }
    while (before.sameTail !== entry) before = before.sameTail!
    before.sameTail = entry.sameTail
  }

  clear(): void {
    this.#index.clear()
    this.#ring.newer = this.#ring.older = this.#ring
    this.#size = 0
  }

  #find(text: string): TokenEntry<T> | null {
    let entry = this.#index.get(tailOf(text)) ?? null
    while (entry !== null && entry.text !== text) entry = entry.sameTail
    return entry
  }

  /** The sentinel stands before the newest (`older`) and behind the oldest (`newer`). */
  #link(entry: TokenEntry<T>): void {
    const ring = this.#ring
    entry.newer = ring
    entry.older = ring.older
    ring.older.newer = entry
    ring.older = entry
  }
}

function unlink<T>(entry: TokenEntry<T>): void {
  entry.newer.older = entry.older
  entry.older.newer = entry.newer
}

/** 30 bits of the characters before the last two, which are not all of 6 bits. */
function tailOf(text: string): number {
  let tail = 0
  for (let at = text.length - 12; at < text.length - 2; at++) tail = (Math.imul(tail, 31) + text.charCodeAt(at)) | 0
  return tail & 0x3fffffff
}
