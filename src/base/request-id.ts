// Ids of requests, unique across restarts and instances: 48 random bits, then a counter.
import { randomBytes } from 'node:crypto'

const PREFIX = randomBytes(6).toString('hex')
/** The last three digits, ready; the five before them change once in 4096 ids. */
const ENDS = Array.from({ length: 4096 }, (_, i) => i.toString(16).padStart(3, '0'))
let counter = 0
let start = ''

/** Twenty hexadecimal digits. */
export function nextRequestId(): string {
  const end = counter & 4095
  if (end === 0) start = PREFIX + ((counter >>> 12) & 0xfffff).toString(16).padStart(5, '0')
  counter++
  return start + ENDS[end]!
}
