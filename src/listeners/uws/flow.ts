// Stops and restarts the reading of a socket. What uWS 20 does, by its sources (AsyncSocket::throttle_helper):
// - pause() polls for nothing any more: bytes that wait for the client do not leave either. It first notes what was
//   polled for, unless that was nothing, in one of two places that ALL sockets of the thread share: one for sockets with
//   bytes in the buffer of uWS, one for the others;
// - resume() polls for what is noted there, perhaps by another socket, and for nothing if nobody has noted anything;
// - a write that the kernel does not take whole polls for reading and writing, also when paused;
// - pause() takes the socket's timeout away, resume() sets it to 10 s.
import type { HttpResponse } from 'uWebSockets.js'

/** ms; uWS counts its 10 s in steps of 4 s, so that they may be 8. */
const RENEWAL = 4000

/** With the first connection of a thread, which has nothing to write: from then on the note never lacks reading. */
export function primeReading(res: HttpResponse): void {
  res.pause()
  res.resume()
}

/** Only when nothing waits outside of uWS for the client. What waits inside keeps leaving, and reading goes on then. */
export function stopReading(res: HttpResponse): void {
  res.pause()
  drain(res) // a write that fails polls again
}

/** Arms the timeout of 10 s. */
export function goOnReading(res: HttpResponse): void {
  drain(res) // either nothing waits, or the socket is polled for both
  res.pause() // notes what this very socket is polled for, unless that is nothing
  res.resume()
}

/** Tries to write what uWS has buffered. In a callback of a corked socket uWS does so itself when it returns. */
export function drain(res: HttpResponse): void {
  res.cork(nothing)
}

/**
 * For a request that is complete, whose socket reads again: the 10 s would cut it while its upstream works, and not
 * reading would hide that its client has left. So they are renewed, as long as `due` says that the reply is.
 */
export function keepReading(res: HttpResponse, due: () => boolean): void {
  const timer = setInterval(() => {
    if (due()) goOnReading(res)
    else clearInterval(timer)
  }, RENEWAL)
  timer.unref()
}

function nothing(): void {}
