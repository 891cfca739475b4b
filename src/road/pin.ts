// A request sees one snapshot from its first stage to its log line, whatever is published meanwhile.
import { now } from '../base/clock.ts'
import type { Exchange } from '../contract/exchange.ts'
import type { Snapshot } from '../contract/snapshot.ts'
import { NEXT, type Verdict } from '../contract/verdict.ts'
import type { RoadState } from './state.ts'

export function pin(x: Exchange, state: RoadState): Verdict {
  x.startedAt = now()
  x.snapshot = state.current
  x.route = state.current.unmatched
  x.chain = x.route.chain
  state.current.pins++
  state.inFlight++
  link(x, state)
  x.listener.active++
  return NEXT
}

export function unpin(x: Exchange, state: RoadState): void {
  state.inFlight--
  unlink(x, state)
  x.listener.active--
  const snapshot = x.snapshot!
  if (--snapshot.pins === 0 && snapshot.retired) snapshot.release()
}

/** Operators may ask what is under way; a list through the Exchanges costs no allocation. */
function link(x: Exchange, state: RoadState): void {
  const before = state.newest
  x.older = before
  if (before !== null) before.newer = x
  else state.oldest = x
  state.newest = x
}

function unlink(x: Exchange, state: RoadState): void {
  const { older, newer } = x
  if (older !== null) older.newer = newer
  else state.oldest = newer
  if (newer !== null) newer.older = older
  else state.newest = older
  x.older = null
  x.newer = null
}

/** Makes `next` the snapshot of new requests; the old one is released when its last Exchange ends. */
export function swap(state: RoadState, next: Snapshot): void {
  const old = state.current
  state.current = next
  retire(old)
}

/** The snapshot is current no longer. */
export function retire(snapshot: Snapshot): void {
  snapshot.retired = true
  if (snapshot.pins === 0) snapshot.release()
}
