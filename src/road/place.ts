// Where an Exchange is that is under way, in words for operators. They are part of the admin API: docs/admin.md lists them.
import { now } from '../base/clock.ts'
import type { TimerWheel } from '../base/timer-wheel.ts'
import {
  WAITING_FOR_CONNECTION,
  WAITING_FOR_HEAD,
  WAITING_FOR_PLUGIN,
  WAITING_FOR_REQUEST_BODY,
  WAITING_FOR_RESPONSE_BODY,
  WAITING_FOR_RETRY,
  type Exchange,
} from '../contract/exchange.ts'
import { STAGE_NAMES } from './handle.ts'
import { PLUGIN_TIMEOUT } from './phases.ts'

export interface Place {
  readonly word: string
  /** ms; null where nobody notes when it began. */
  readonly since: number | null
}

export function placeOf(x: Exchange, wheel: TimerWheel): Place {
  switch (x.waiting) {
    case WAITING_FOR_PLUGIN:
      return { word: `plugin:${x.failedPlugin}`, since: Math.max(0, PLUGIN_TIMEOUT - wheel.left(x.timer)) }
    case WAITING_FOR_CONNECTION:
      return { word: x.tries.current.attempt?.queued === true ? 'queued' : 'connecting', since: sinceTry(x) }
    case WAITING_FOR_REQUEST_BODY:
      // The client pauses while the upstream takes no more; else it is the client that is waited for.
      return { word: x.body.complete || x.body.paused ? 'sending-body' : 'receiving-body', since: null }
    case WAITING_FOR_HEAD:
      return { word: x.tries.second === null ? 'awaiting-head' : 'hedged', since: sinceTry(x) }
    case WAITING_FOR_RETRY:
      return { word: 'retry-backoff', since: null }
    case WAITING_FOR_RESPONSE_BODY:
      return x.clientSlow ? CLIENT_SLOW : { word: 'streaming', since: now() - x.respondedAt }
  }
  if (x.clientSlow) return CLIENT_SLOW
  return { word: STAGE_NAMES[x.stage] ?? 'reply', since: null }
}

const CLIENT_SLOW: Place = Object.freeze({ word: 'client-slow', since: null })

/** From the start of the try, or from the end of its upload. */
function sinceTry(x: Exchange): number {
  return now() - x.tries.current.startedAt
}
