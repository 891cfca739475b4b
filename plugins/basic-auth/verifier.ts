// Credentials -> is it the password? Checks are expensive on purpose: those that passed are remembered, those that run
// are shared, and the time tells nobody whether a name exists.
import { createHmac, randomBytes } from 'node:crypto'
import { ExpiringMap } from '../../src/base/expiring-map.ts'
import type { Credentials } from './credentials.ts'
import { decoyOf, matches, type StoredPassword } from './password.ts'
import type { WorkQueue } from './work-queue.ts'

/** Far above the number of users that fit into a configuration. */
const MOST_REMEMBERED = 10_000

export class Verifier {
  readonly #users: ReadonlyMap<string, StoredPassword>
  readonly #decoys: readonly StoredPassword[]
  readonly #queue: WorkQueue
  readonly #ttl: number
  /** With it a dump of memory shows neither passwords nor digests that could be compared with others. */
  readonly #secret = randomBytes(32)
  readonly #verified = new ExpiringMap<true>(MOST_REMEMBERED)
  readonly #running = new Map<string, Promise<boolean>>()

  /** `ttl`: ms for which a password that was right is not checked again. */
  constructor(users: ReadonlyMap<string, StoredPassword>, queue: WorkQueue, ttl: number) {
    this.#users = users
    this.#decoys = [...users.values()].map(decoyOf)
    this.#queue = queue
    this.#ttl = ttl
  }

  /** null: too many checks wait already. A promise rejects when the check itself fails. */
  verify(credentials: Credentials): true | Promise<boolean> | null {
    const key = this.#digest(credentials)
    if (this.#verified.get(key) === true) return true
    const running = this.#running.get(key)
    if (running !== undefined) return running
    const check = this.#queue.run(() => this.#check(credentials))
    if (check === null) return null
    const shared = this.#settle(key, check)
    this.#running.set(key, shared)
    return shared
  }

  async #settle(key: string, check: Promise<boolean>): Promise<boolean> {
    try {
      const valid = await check
      if (valid) this.#verified.set(key, true, this.#ttl)
      return valid
    } finally {
      this.#running.delete(key)
    }
  }

  async #check({ name, password }: Credentials): Promise<boolean> {
    const stored = this.#users.get(name)
    const valid = await matches(password, stored ?? this.#decoyFor(name))
    return valid && stored !== undefined
  }

  /** Always the same for one name, as it is for a user: where parameters differ, asking again reveals nothing. */
  #decoyFor(name: string): StoredPassword {
    const digest = createHmac('sha256', this.#secret).update(name).digest()
    return this.#decoys[digest.readUInt32BE(0) % this.#decoys.length]!
  }

  #digest({ name, password }: Credentials): string {
    // A name has no colon, so that no two pairs look alike.
    return createHmac('sha256', this.#secret).update(`${name}:${password}`).digest('base64')
  }
}
