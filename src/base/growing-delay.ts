// Pauses between tries: each about twice the last, and random, so that many gateways do not come back at the same moment.

/** ms to wait after `failures` tries (from 1) that failed: from half to all of `first` doubled each time, up to `most`. */
export function growingDelay(failures: number, first: number, most: number): number {
  const whole = Math.min(most, first * 2 ** Math.min(failures - 1, 30))
  return whole * (0.5 + Math.random() / 2)
}
