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
    const before = previous === null || !fits(patterns, previous.parts) ? null : previous.parts
    const places = placesBefore(before?.patterns ?? [], patterns)
    this.#patterns = patterns
    this.#methods = new Methods(before?.methods)
    this.#entries = Array.from(places, (place) => (place < 0 ? null : before!.entries[place]!))
    this.#slots = slotsOf(this.#entries, before?.positions.length ?? 0)
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
      positions: this.#positions,
      hosts: this.#hosts,
      methods: this.#methods,
    })
  }
}

/** Methods that only former routes named keep their bits: once these run out, all is made anew. */
function fits(patterns: readonly RoutePattern[], { methods }: RouterParts): boolean {
  const named = new Set<string>()
  for (const { match } of patterns) {
    const method = match?.method
    if (typeof method === 'string') named.add(method)
    else if (method !== undefined) for (const each of method) named.add(each)
  }
  return methods.holds(named)
}

/** By route number: the slots of entries that are there, and the lowest free ones for the rest. */
function slotsOf(entries: readonly (Entry | null)[], before: number): Int32Array {
  const taken = new Uint8Array(before)
  for (const entry of entries) if (entry !== null) taken[entry.slot] = 1
  const slots = new Int32Array(entries.length)
  let free = 0
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i]!
    if (entry === null) while (taken[free] === 1) free++
    slots[i] = entry === null ? free++ : entry.slot
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
