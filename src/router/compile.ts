// Makes routers. One that follows another shares all that has not changed with it: what a change costs depends on its size,
// and on little that is done for every route.
import { placesBefore } from '../base/places-before.ts'
import type { Slice } from '../base/slice.ts'
import type { RoutePattern } from '../contract/match.ts'
import { compileEntry, onPath, onPathForHead, type Entry } from './entry.ts'
import { Hosts } from './hosts.ts'
import { Methods } from './method.ts'
import { Router, type RouterParts } from './router.ts'
import { insert, remove, type Insertion } from './trie.ts'

/** All at once. Throws RangeError, or the error of an expression; a validated configuration gives none. */
export function compileRouter(patterns: readonly RoutePattern[], previous: Router | null = null): Router {
  const build = new RouterBuild(patterns, previous)
  for (const _ of build.steps());
  return build.router()
}

/** The same with pauses. */
export async function compileRouterInSlices(
  patterns: readonly RoutePattern[],
  previous: Router | null,
  slice: Slice,
): Promise<Router> {
  const build = new RouterBuild(patterns, previous)
  await slice.run(build.steps())
  return build.router()
}

class RouterBuild {
  readonly #patterns: readonly RoutePattern[]
  readonly #methods: Methods
  readonly #hosts: Hosts
  readonly #entries: (Entry | null)[]
  readonly #positions: Int32Array
  readonly #slots: Int32Array
  readonly #insertion: Insertion
  /** Of the router before, those that leave their place. */
  readonly #leaving: Entry[] = []
  /** Numbers of routes that get a place. */
  readonly #coming: number[] = []

  constructor(patterns: readonly RoutePattern[], previous: Router | null) {
    let before = previous?.parts ?? null
    let places = placesBefore(before?.patterns ?? [], patterns)
    if (before !== null && !hasBits(before.methods, patterns, places)) {
      before = null
      places = new Int32Array(patterns.length).fill(-1)
    }
    this.#patterns = patterns
    this.#methods = new Methods(before?.methods)
    this.#entries = []
    for (let i = 0; i < places.length; i++) this.#entries.push(places[i]! < 0 ? null : before!.entries[places[i]!]!)
    this.#slots = slotsOf(places, before)
    this.#positions = positionsOf(this.#slots)
    const compare = onPath(this.#positions)
    this.#insertion = { owner: {}, compare, compareForHead: onPathForHead(compare) }
    this.#hosts = new Hosts(this.#plan(places, before?.entries ?? []) ? before!.hosts : null)
  }

  /** True: it is worth to begin with what is there. */
  #plan(places: Int32Array, before: readonly Entry[]): boolean {
    const staying = new Uint8Array(before.length)
    let last = -1
    for (let i = 0; i < places.length; i++) {
      // Who stays is among those who stay as before: the order in the file decides ties.
      if (places[i]! > last) staying[(last = places[i]!)] = 1
      else this.#coming.push(i)
    }
    const stay = places.length - this.#coming.length
    if (stay * 2 > before.length) {
      for (let i = 0; i < before.length; i++) if (staying[i] === 0) this.#leaving.push(before[i]!)
      return true
    }
    this.#coming.length = 0
    for (let i = 0; i < places.length; i++) this.#coming.push(i)
    return false
  }

  *steps(): Iterable<void> {
    const hosts = this.#hosts
    const { owner } = this.#insertion
    for (const entry of this.#leaving) {
      hosts.set(entry.host, remove(hosts.get(entry.host)!, entry, owner))
      yield
    }
    for (const i of this.#coming) {
      const entry = (this.#entries[i] ??= compileEntry(this.#patterns[i]!, this.#slots[i]!, this.#methods))
      hosts.set(entry.host, insert(hosts.get(entry.host), entry, this.#insertion))
      yield
    }
  }

  router(): Router {
    return new Router({
      patterns: this.#patterns,
      entries: this.#entries as readonly Entry[],
      slots: this.#slots,
      positions: this.#positions,
      hosts: this.#hosts,
      methods: this.#methods,
    })
  }
}

const NO_METHODS: readonly string[] = []

/** Methods that only former routes named keep their bits: once these run out, all is made anew. */
function hasBits(methods: Methods, patterns: readonly RoutePattern[], places: Int32Array): boolean {
  const named = patterns.flatMap((pattern, i) => (places[i]! < 0 ? (pattern.match?.method ?? NO_METHODS) : NO_METHODS))
  return methods.holds(named)
}

/** By route number: the slots that routes had before, and the lowest free ones for those that are new. */
function slotsOf(places: Int32Array, before: RouterParts | null): Int32Array {
  const taken = new Uint8Array(before?.positions.length ?? 0)
  const slots = new Int32Array(places.length)
  for (let i = 0; i < places.length; i++) if (places[i]! >= 0) taken[(slots[i] = before!.slots[places[i]!]!)] = 1
  let free = 0
  for (let i = 0; i < places.length; i++) {
    if (places[i]! >= 0) continue
    while (taken[free] === 1) free++
    slots[i] = free++
  }
  return slots
}

function positionsOf(slots: Int32Array): Int32Array {
  let size = 0
  for (let i = 0; i < slots.length; i++) size = Math.max(size, slots[i]! + 1)
  const positions = new Int32Array(size)
  for (let i = 0; i < slots.length; i++) positions[slots[i]!] = i
  return positions
}
