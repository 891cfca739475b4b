// The time of a signature: IMF-fixdate (RFC 9110 section 5.6.7), or a timestamp of RFC 3339.

const FIXDATE =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d{2}:\d{2}:\d{2} GMT$/
const TIMESTAMP = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/

/** Milliseconds since 1970; NaN for any other form. */
export function readDate(text: string): number {
  return FIXDATE.test(text) || TIMESTAMP.test(text) ? Date.parse(text) : NaN
}
