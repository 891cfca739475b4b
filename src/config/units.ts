// Units in YAML are strings that a person reads (`200ms`, `16KiB`, `100/s`); in the code they are numbers.
// The schema says string for editors, `Static` says number, and the loader converts after validation
// wherever it meets the `x-unit` keyword.
import { Type } from 'typebox'

export type Unit = 'duration' | 'size' | 'rate' | 'share'

/** Keyword that marks a schema whose value must never be shown. */
export const SECRET_KEYWORD = 'x-secret'

/** Schema of a text that must never be shown: a key, a password. */
export function Secret(options: { description?: string; minLength?: number; pattern?: string } = {}) {
  return Type.String({ ...options, [SECRET_KEYWORD]: true })
}

/** Keyword that marks a schema whose string value is converted to a number. */
export const UNIT_KEYWORD = 'x-unit'

const DURATION = /^(0|[1-9][0-9]*(?:\.[0-9]+)?)(ms|s|m|h)$/
const SIZE = /^(0|[1-9][0-9]*(?:\.[0-9]+)?)(B|KiB|MiB|GiB)$/
const SHARE = /^((?:0|[1-9][0-9]{0,3})(?:\.[0-9]{1,3})?)(%)$/
const RATE = /^([1-9][0-9]*(?:\.[0-9]+)?)\/(s|m|h)$/

const MILLISECONDS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }
const BYTES: Record<string, number> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }
const PER_SECOND: Record<string, number> = { s: 1, m: 1 / 60, h: 1 / 3600 }
const PER_WHOLE: Record<string, number> = { '%': 0.01 }

const FORMS: Readonly<Record<Unit, readonly [RegExp, Readonly<Record<string, number>>]>> = {
  duration: [DURATION, MILLISECONDS],
  size: [SIZE, BYTES],
  rate: [RATE, PER_SECOND],
  share: [SHARE, PER_WHOLE],
}

export const UNIT_EXAMPLES: Record<Unit, string> = {
  duration: '200ms, 5s, 1m or 2h',
  size: '512B, 16KiB, 10MiB or 1GiB',
  rate: '100/s, 30/m or 5/h',
  share: '20% or 0.5%',
}

/** Schema of a duration such as `200ms`; milliseconds once loaded. */
export function Duration(options: { description?: string; default?: string } = {}) {
  return Type.Unsafe<number>({ type: 'string', pattern: DURATION.source, [UNIT_KEYWORD]: 'duration', ...options })
}

/** Schema of a size such as `16KiB`; bytes once loaded. */
export function ByteSize(options: { description?: string; default?: string } = {}) {
  return Type.Unsafe<number>({ type: 'string', pattern: SIZE.source, [UNIT_KEYWORD]: 'size', ...options })
}

/** Schema of a rate such as `100/s`; events per second once loaded. */
export function Rate(options: { description?: string; default?: string } = {}) {
  return Type.Unsafe<number>({ type: 'string', pattern: RATE.source, [UNIT_KEYWORD]: 'rate', ...options })
}

/** Schema of a share such as `20%`; 0.2 once loaded. */
export function Share(options: { description?: string; default?: string } = {}) {
  return Type.Unsafe<number>({ type: 'string', pattern: SHARE.source, [UNIT_KEYWORD]: 'share', ...options })
}

/** Milliseconds, bytes, events per second or parts of one; NaN when the text is not of that unit. */
export function parseUnit(unit: Unit, text: string): number {
  const [pattern, factors] = FORMS[unit]
  const match = pattern.exec(text)
  if (match === null) return NaN
  const value = Number(match[1]) * factors[match[2]!]!
  return unit === 'duration' || unit === 'size' ? Math.round(value) : value
}

/** The text of a value, in the largest unit that fits: `parseUnit` gives the value again. */
export function formatUnit(unit: Unit, value: number): string {
  const [, factors] = FORMS[unit]
  const perSecond = unit === 'rate'
  const largestFirst = Object.entries(factors).toSorted(([, a], [, b]) => (perSecond ? 0 : b - a))
  for (const [name, factor] of largestFirst) {
    const amount = Number((value / factor).toPrecision(12))
    const isShort = perSecond || unit === 'share' || Number.isInteger(amount)
    const text = `${amount}${perSecond ? '/' : ''}${name}`
    if (isShort && amount >= (value === 0 ? 0 : 1) && parseUnit(unit, text) === value) return text
  }
  const [name, factor] = largestFirst.at(unit === 'rate' ? 0 : -1)!
  return `${value / factor}${perSecond ? '/' : ''}${name}`
}
