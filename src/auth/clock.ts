// The two times that tokens need. Tests bring their own.
import { now } from '../base/clock.ts'

export interface Clock {
  /** ms since 1970. */
  wall(): number
  /** ms that only grow. */
  monotonic(): number
}

let turn = -1
let time = 0

/** Read once per turn of the event loop: each Date.now() costs 30 ns and a number on the heap (bench/micro/jwt.ts). */
function wall(): number {
  const current = now()
  if (current !== turn) {
    turn = current
    time = Date.now()
  }
  return time
}

export const SYSTEM_CLOCK: Clock = { wall, monotonic: now }
