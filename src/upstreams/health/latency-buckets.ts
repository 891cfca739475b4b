// Latencies counted in log-linear buckets, as HdrHistogram (Tene, 2012) does: each doubling is cut into eight equal
// parts, so that a latency is known to 6 % (half the width of the widest bucket) whatever its size.
//
//   bucket   0            1 .. 8            9 .. 16          ...   162
//            below 0.1    0.1 .. 0.2 ms     0.2 .. 0.4 ms          118 s and above

/** Parts of a millisecond: the smallest bucket is one of them wide, and 0.1 ms are eight. */
const PARTS_PER_MS = 80
const LEAST = 8
const MOST = 120_000 * PARTS_PER_MS

export const BUCKETS = bucketOf(Infinity) + 1

/** Of a latency in ms. What is above two minutes counts as two minutes. */
export function bucketOf(latencyMs: number): number {
  const parts = latencyMs * PARTS_PER_MS
  if (!(parts >= LEAST)) return 0 // NaN, too
  const whole = parts < MOST ? parts | 0 : MOST
  const doublings = 28 - Math.clz32(whole)
  return (doublings << 3) + (whole >> doublings) - 7
}

/** ms in the middle of a bucket. */
function middleOf(bucket: number): number {
  if (bucket === 0) return LEAST / 2 / PARTS_PER_MS
  const place = bucket - 1
  return (((place & 7) + 8.5) * 2 ** (place >> 3)) / PARTS_PER_MS
}

/**
 * Quantile `share` (0..1) by the nearest rank, ms, of the counts that begin at `from`; `total` is their sum.
 * 0 when nothing was counted.
 */
export function quantileOf(counts: Uint32Array, from: number, total: number, share: number): number {
  if (total === 0) return 0
  let left = Math.max(1, Math.ceil(total * share))
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    left -= counts[from + bucket]!
    if (left <= 0) return middleOf(bucket)
  }
  return middleOf(BUCKETS - 1)
}
