// Which snapshots there were. A snapshot itself is not held: it goes when its last request is over.
import type { CompiledSnapshot } from '../compile/snapshot.ts'

export interface SnapshotReport {
  readonly version: number
  /** Unix ms since when it served new requests */
  readonly since: number
  readonly routes: number
  /** Requests that have pinned it */
  readonly pins: number
  /** New requests get a later one. */
  readonly retired: boolean
}

interface Entry {
  readonly version: number
  /** Snapshots of the same version just before it: where a store says what the version is, the file may change beside it. */
  readonly edition: number
  readonly since: number
  readonly routes: number
  readonly snapshot: WeakRef<CompiledSnapshot>
}

export class SnapshotHistory {
  #entries: readonly Entry[] = []

  /** New requests get this one from now on. */
  published(snapshot: CompiledSnapshot): void {
    const { version, routes } = snapshot
    const [before] = this.#entries
    const edition = before?.version === version ? before.edition + 1 : 0
    const entry = { version, edition, since: Date.now(), routes: routes.length, snapshot: new WeakRef(snapshot) }
    this.#entries = [entry, ...this.#entries.filter(isAlive)]
  }

  /** The version that serves, and which of those that were called so, where there were several. */
  get tag(): string {
    const { version, edition } = this.#entries[0]!
    return edition === 0 ? `${version}` : `${version}.${edition}`
  }

  /** Unix ms; 0 before the first. */
  get since(): number {
    return this.#entries[0]?.since ?? 0
  }

  /** The one that serves, then those that requests still use, latest first. */
  reports(): SnapshotReport[] {
    return this.#entries.filter(isAlive).map(({ version, since, routes, snapshot }) => {
      const { pins, retired } = snapshot.deref()!
      return { version, since, routes, pins, retired }
    })
  }
}

function isAlive({ snapshot }: Entry): boolean {
  const alive = snapshot.deref()
  return alive !== undefined && (!alive.retired || alive.pins > 0)
}
