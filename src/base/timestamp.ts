// The time of day for log lines: written out once per millisecond, as that takes longer than the rest of a short line.

let at = -1
let text = ''

/** ISO 8601 with milliseconds, UTC. */
export function timestamp(): string {
  const time = Date.now()
  if (time !== at) {
    at = time
    text = new Date(time).toISOString()
  }
  return text
}
