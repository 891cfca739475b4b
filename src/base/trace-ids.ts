// Ids of traces and spans: random, unique, and no secret. A generator of our own takes a few nanoseconds, where the one of
// node:crypto takes a system call now and then (bench/micro/trace.ts).
import { randomFillSync } from 'node:crypto'

// xoshiro128** (Blackman and Vigna, 2018). Integers of 32 bits are small integers to V8: no draw allocates.
const seed = randomFillSync(new Int32Array(4))
let a = seed[0]!
let b = seed[1]!
let c = seed[2]!
let d = seed[3]! | 1

/** 32 random bits, as a signed integer. */
export function randomBits(): number {
  const five = Math.imul(b, 5)
  const result = Math.imul((five << 7) | (five >>> 25), 9)
  const t = b << 9
  c ^= a
  d ^= b
  b ^= c
  a ^= d
  c ^= t
  d = (d << 11) | (d >>> 21)
  return result
}

/** Version, trace, span and flags of a traceparent; what is written stands at its place there. */
const text = Buffer.from(`00-${'0'.repeat(32)}-${'0'.repeat(16)}-00`, 'latin1')
const TRACE = 3
const SPAN = 36
const END_OF_SPAN = 52
const FLAGS = 54
const DIGIT_ZERO = 48
/** The digits of each byte. */
const HIGH = new Uint8Array(256)
const LOW = new Uint8Array(256)
for (let byte = 0; byte < 256; byte++) {
  const digits = byte.toString(16).padStart(2, '0')
  HIGH[byte] = digits.charCodeAt(0)
  LOW[byte] = digits.charCodeAt(1)
}

function writeHex(bits: number, at: number): void {
  const first = bits >>> 24
  const second = (bits >>> 16) & 255
  const third = (bits >>> 8) & 255
  const fourth = bits & 255
  text[at] = HIGH[first]!
  text[at + 1] = LOW[first]!
  text[at + 2] = HIGH[second]!
  text[at + 3] = LOW[second]!
  text[at + 4] = HIGH[third]!
  text[at + 5] = LOW[third]!
  text[at + 6] = HIGH[fourth]!
  text[at + 7] = LOW[fourth]!
}

// The first half stays, as long as the process lives: the other half is enough to tell its traces apart. Its last bit is
// set, since an id of zeros only would be none.
writeHex(randomBits(), TRACE)
writeHex(randomBits() | 1, TRACE + 8)

/**
 * A traceparent of a new trace. `bits` become the ones that samplers compare: the upper 32 of the last 56 of the trace id
 * (OpenTelemetry, consistent probability sampling).
 */
export function newTraceparent(bits: number, flags: number): string {
  writeHex(randomBits(), TRACE + 16)
  writeHex(randomBits(), TRACE + 24)
  writeHex(bits, TRACE + 18)
  writeHex(randomBits() | 1, SPAN)
  writeHex(randomBits(), SPAN + 8)
  text[FLAGS] = DIGIT_ZERO + flags
  return text.toString('latin1', 0, FLAGS + 1)
}

/** 16 hexadecimal digits. */
export function newSpanId(): string {
  writeHex(randomBits() | 1, SPAN)
  writeHex(randomBits(), SPAN + 8)
  return text.toString('latin1', SPAN, END_OF_SPAN)
}
