// The time of the current turn of the event loop, monotonic ms: read once, and by everybody who asks during the turn.
// A request asks half a dozen times; each look at the clock of the system costs 40 ns.
import { performance } from 'node:perf_hooks' // the global is a getter, which costs more than the clock

let time = 0
let read = false

/** Never behind the turn's first reading; at most as old as the turn has lasted. */
export function now(): number {
  if (!read) {
    time = performance.now()
    read = true
    setImmediate(turn)
  }
  return time
}

function turn(): void {
  read = false
}
