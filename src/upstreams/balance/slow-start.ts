// A new endpoint gets its share little by little: caches are cold and code is not compiled yet. As nginx's slow_start and
// Envoy's slow start mode (with aggression 1) do it.

/** Less than this, and a rarely used endpoint would see no request at all while it warms up. */
const LEAST = 0.1

/** Part of its weight, from 0.1 to 1, that an endpoint gets `since` ms after its start; `duration` in ms, 0: all at once. */
export function ramp(since: number, duration: number): number {
  if (!(since < duration)) return 1
  return LEAST + (1 - LEAST) * Math.max(0, since / duration)
}
