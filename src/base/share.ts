// Shares of requests: `10%` in YAML, points of ten thousand in the code.

/** Points that make the whole. */
export const ALL_POINTS = 10_000
export const SHARE_PATTERN = String.raw`^(?:100|[0-9]{1,2}(?:\.[0-9]{1,2})?)%$`

const SHARE = new RegExp(SHARE_PATTERN)

/** `12.5%` as 1250. Throws TypeError on any other form. */
export function sharePoints(text: string): number {
  if (!SHARE.test(text)) throw new TypeError(`"${text}" is not a share such as 10% or 0.25%`)
  return Math.round(Number(text.slice(0, -1)) * 100)
}

/** A point from 0 to 9999, each as likely as the others. */
export function randomPoint(): number {
  return Math.floor(Math.random() * ALL_POINTS)
}
