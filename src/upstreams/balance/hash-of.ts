// MurmurHash3 (Appleby 2011), 32 bits, of a string: its UTF-16 code units, two to a word, so that no encoding has to be
// made first. Without a key on purpose: every worker and every gateway must agree on it. Whoever chooses the text can so
// choose the endpoint, but not overload it: see the bound in consistent-hash.ts.

const SEED = 0x9747b28c

/** 32 bits without sign. Allocates nothing. */
export function hashOf(text: string): number {
  const { length } = text
  const paired = length & ~1
  let hash = SEED
  for (let i = 0; i < paired; i += 2) {
    hash ^= scrambled(text.charCodeAt(i) | (text.charCodeAt(i + 1) << 16))
    hash = (hash << 13) | (hash >>> 19)
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0
  }
  if (paired < length) hash ^= scrambled(text.charCodeAt(paired))
  // The length: a last unit 0 makes another text. Then every bit is spread over all others.
  hash ^= length
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

function scrambled(word: number): number {
  const product = Math.imul(word, 0xcc9e2d51)
  return Math.imul((product << 15) | (product >>> 17), 0x1b873593)
}
