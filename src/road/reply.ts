// The head as one block, then the body as it comes, at the pace of the client.
import type { Exchange } from '../contract/exchange.ts'
import { PARKED, type Progress } from '../contract/verdict.ts'
import { cancelTries, finishWhole } from './finish.ts'
import type { RoadState } from './state.ts'
import { bodyBegins, stopClocks } from './timeouts.ts'

/** Larger uploads are not read to their end just to keep the connection. */
const DISCARD_LIMIT = 1024 * 1024

export function reply(x: Exchange, state: RoadState): Progress {
  x.headSent = true
  x.bodyless = x.method === 'HEAD' || x.status === 204 || x.status === 304
  if (x.listener.draining || !worthDiscarding(x)) x.closeAfter = true
  if (x.localBody !== null) {
    x.bytesOut = x.bodyless ? 0 : x.localBody.length
    if (x.reply.whole(x, x.localBody)) finishWhole(x, state)
    else awaitClient(x, state)
    return PARKED // and perhaps the next request's already: nothing may touch it here
  }
  x.reply.head(x)
  // Also when all of it is here: what a transform adds at the end may find a client that does not read.
  bodyBegins(x, state)
  if (x.endedEarly) {
    x.endedEarly = false
    state.receiver.ended(x) // again: now it can be passed on
  } else {
    // It was paused while response steps waited.
    x.tries.current.attempt?.resume()
  }
  return PARKED
}

/** A reply of our own is larger than what the client takes at once: `drained` finishes it. */
function awaitClient(x: Exchange, state: RoadState): void {
  cancelTries(x)
  x.tries.current.attempt = null
  stopClocks(x, state)
  x.clientSlow = true
  x.endedEarly = true
}

export function forwardBody(x: Exchange, bytes: Uint8Array): void {
  x.progress += bytes.byteLength
  if (x.bodyless) return
  x.bytesOut += bytes.byteLength
  if (x.reply.write(bytes)) return
  x.clientSlow = true
  x.tries.current.attempt?.pause()
}

export function resumeBody(x: Exchange): void {
  x.progress++ // the client reads: that is a sign of life too
  x.tries.current.attempt?.resume()
}

/** The rest of the upload is small enough to be read and dropped, so that the connection can be used again. */
function worthDiscarding(x: Exchange): boolean {
  const { body } = x
  return body.complete || (body.length > 0 && body.length - body.received <= DISCARD_LIMIT)
}
