// HalfSipHash-1-3 (Aumasson and Bernstein) of a string, 64 bits, with a random key: whoever chooses the strings cannot choose
// where they collide. 32-bit arithmetic only, nothing is allocated.
//
// A string is hashed as its UTF-16 code units, two to a word: no encoding has to be made first.
import { randomBytes } from 'node:crypto'

const KEY = randomBytes(8)
const K0 = KEY.readInt32LE(0)
const K1 = KEY.readInt32LE(4)

/** The last result of `hashKey`. */
export const hash = { low: 0, high: 0 }

export function hashKey(text: string): void {
  let v0 = K0
  let v1 = K1 ^ 0xee
  let v2 = 0x6c796765 ^ K0
  let v3 = 0x74656462 ^ K1
  const { length } = text
  const words = (length >> 1) + 1
  for (let i = 0; i < words; i++) {
    const at = i * 2
    // The last word ends with the length, so that no text is the beginning of another.
    const m =
      i < words - 1
        ? text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16)
        : (at < length ? text.charCodeAt(at) : 0) | (length << 16)
    v3 ^= m
    v0 = (v0 + v1) | 0
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
    v0 = (v0 << 16) | (v0 >>> 16)
    v2 = (v2 + v3) | 0
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
    v0 = (v0 + v3) | 0
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
    v2 = (v2 + v1) | 0
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
    v2 = (v2 << 16) | (v2 >>> 16)
    v0 ^= m
  }
  v2 ^= 0xee
  let low = 0
  for (let round = 0; round < 6; round++) {
    v0 = (v0 + v1) | 0
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
    v0 = (v0 << 16) | (v0 >>> 16)
    v2 = (v2 + v3) | 0
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
    v0 = (v0 + v3) | 0
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
    v2 = (v2 + v1) | 0
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
    v2 = (v2 << 16) | (v2 >>> 16)
    if (round === 2) {
      low = v1 ^ v3
      v1 ^= 0xdd
    }
  }
  hash.low = low
  hash.high = v1 ^ v3
}
