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

/** A field `traceparent` with its line end: version, trace, span, flags. What is written stands at its place there. */
const NAME = 'traceparent: '
const line = Buffer.from(`${NAME}00-${'0'.repeat(32)}-${'0'.repeat(16)}-00\r\n`, 'latin1')
const TRACE = NAME.length + 3
const SPAN = NAME.length + 36
const END_OF_SPAN = NAME.length + 52
const FLAGS = NAME.length + 54
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
  line[at] = HIGH[first]!
  line[at + 1] = LOW[first]!
  line[at + 2] = HIGH[second]!
  line[at + 3] = LOW[second]!
  line[at + 4] = HIGH[third]!
  line[at + 5] = LOW[third]!
  line[at + 6] = HIGH[fourth]!
  line[at + 7] = LOW[fourth]!
}

// The first half stays, as long as the process lives: the other half is enough to tell its traces apart. Its last bit is
// set, since an id of zeros only would be none.
writeHex(randomBits(), TRACE)
writeHex(randomBits() | 1, TRACE + 8)

/** The random parts of a new trace and its first span, 32 bits each. */
export interface TraceBits {
  readonly upper: number
  readonly lower: number
  /** What samplers compare: the upper 32 of the last 56 bits of the trace id (OpenTelemetry, consistent sampling). */
  readonly bits: number
  readonly spanUpper: number
  readonly spanLower: number
}

/** The field of a new trace, with its line end. The bytes are good until the next one is made. */
export function traceparentLine({ upper, lower, bits, spanUpper, spanLower }: TraceBits, flags: number): Buffer {
  writeHex(upper, TRACE + 16)
  writeHex(lower, TRACE + 24)
  writeHex(bits, TRACE + 18)
  writeHex(spanUpper | 1, SPAN) // zeros only would be none
  writeHex(spanLower, SPAN + 8)
  line[FLAGS] = DIGIT_ZERO + flags
  return line
}

/** The value of that field. */
export function traceparentText(bits: TraceBits, flags: number): string {
  return traceparentLine(bits, flags).toString('latin1', NAME.length, FLAGS + 1)
}

/** 16 hexadecimal digits. */
export function newSpanId(): string {
  writeHex(randomBits() | 1, SPAN)
  writeHex(randomBits(), SPAN + 8)
  return line.toString('latin1', SPAN, END_OF_SPAN)
}
