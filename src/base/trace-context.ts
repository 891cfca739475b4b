// The fields by which a request says which trace it belongs to (W3C Trace Context, sections 3.2 and 3.3), and what else
// travels with it (W3C Baggage).
import type { HeaderList } from './headers.ts'

/** Of the version that is known; later ones may say more behind it. */
export const TRACEPARENT_LENGTH = 55
const MOST_TRACEPARENT = 512
/** Longer ones are made shorter. */
const MOST_TRACESTATE = 512
const MOST_STATES = 32
/** Members above this length go first. */
const LONG_STATE = 128
const MOST_BAGGAGE = 8192
const MOST_ITEMS = 180

const DASH = 45
const ZERO = 48
const LETTER_F = 102

const IS_HEX = new Uint8Array(256)
for (const digit of '0123456789abcdef') IS_HEX[digit.charCodeAt(0)] = 1

const NO_HEX = 0
const ALL_ZERO = 1
const SOME_HEX = 2

function hexBetween(field: string, from: number, to: number): number {
  let found = ALL_ZERO
  for (let i = from; i < to; i++) {
    const code = field.charCodeAt(i)
    if (IS_HEX[code] !== 1) return NO_HEX
    if (code !== ZERO) found = SOME_HEX
  }
  return found
}

/** Is this a traceparent that names a trace and a span? Later versions are read as far as version 00 goes. */
export function isTraceparent(field: string): boolean {
  const { length } = field
  if (length < TRACEPARENT_LENGTH || length > MOST_TRACEPARENT) return false
  if (field.charCodeAt(2) !== DASH || field.charCodeAt(35) !== DASH || field.charCodeAt(52) !== DASH) return false
  const version = hexBetween(field, 0, 2)
  if (version === NO_HEX || (field.charCodeAt(0) === LETTER_F && field.charCodeAt(1) === LETTER_F)) return false
  if (length > TRACEPARENT_LENGTH && (version === ALL_ZERO || field.charCodeAt(TRACEPARENT_LENGTH) !== DASH))
    return false
  return (
    hexBetween(field, 3, 35) === SOME_HEX &&
    hexBetween(field, 36, 52) === SOME_HEX &&
    hexBetween(field, 53, 55) !== NO_HEX
  )
}

/** The traceparent of a request; '' if it has none, one that is not valid, or several. */
export function findTraceparent(headers: HeaderList): string {
  const field = headers.find('traceparent')
  return field !== '' && isTraceparent(field) && headers.count('traceparent') === 1 ? field : ''
}

export function traceIdOf(traceparent: string): string {
  return traceparent.slice(3, 35)
}

export function spanIdOf(traceparent: string): string {
  return traceparent.slice(36, 52)
}

/** The second digit of the flags; nothing is defined for the first. */
export function flagsOf(traceparent: string): number {
  const code = traceparent.charCodeAt(54)
  return code <= 57 ? code - ZERO : code - 87
}

const KEY = String.raw`[a-z][-_*/0-9a-z]{0,255}|[a-z0-9][-_*/0-9a-z]{0,240}@[a-z][-_*/0-9a-z]{0,13}`
const VALUE = String.raw`[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]`
const STATE = new RegExp(`^(${KEY})=(?:${VALUE})$`)

/** A tracestate, of several fields joined by commas, that may be passed on; '' if it is not valid. */
export function passableTracestate(text: string): string {
  const keys = new Set<string>()
  const members: string[] = []
  let length = 0
  for (let start = 0; start <= text.length;) {
    const comma = text.indexOf(',', start)
    const end = comma < 0 ? text.length : comma
    const member = trimmed(text, start, end)
    start = end + 1
    if (member === '') continue
    const key = STATE.exec(member)?.[1]
    if (key === undefined || keys.has(key) || members.length === MOST_STATES) return ''
    keys.add(key)
    members.push(member)
    length += member.length + 1
  }
  // Section 3.3.1.5: whole members are left out, long ones first, then from the end.
  for (let i = members.length - 1; i >= 0 && length - 1 > MOST_TRACESTATE; i--) {
    if (members[i]!.length <= LONG_STATE) continue
    length -= members[i]!.length + 1
    members.splice(i, 1)
  }
  while (length - 1 > MOST_TRACESTATE) length -= members.pop()!.length + 1
  return members.join(',')
}

/** Without the spaces and tabs around it. An expression for that takes quadratic time. */
function trimmed(text: string, from: number, to: number): string {
  while (from < to && isSpace(text.charCodeAt(from))) from++
  while (from < to && isSpace(text.charCodeAt(to - 1))) to--
  return text.slice(from, to)
}

function isSpace(code: number): boolean {
  return code === 32 || code === 9
}

/** Is this baggage, of several fields joined by commas, small enough to be passed on? */
export function isPassableBaggage(text: string): boolean {
  if (text.length > MOST_BAGGAGE) return false
  let items = 1
  for (let at = text.indexOf(','); at >= 0; at = text.indexOf(',', at + 1)) items++
  return items <= MOST_ITEMS
}

/** The first item of that name, decoded and without its properties; null if there is none, or the baggage is too large. */
export function baggageValue(text: string, name: string): string | null {
  if (text === '' || !isPassableBaggage(text)) return null
  for (const item of text.split(',')) {
    const equals = item.indexOf('=')
    if (equals < 0 || item.slice(0, equals).trim() !== name) continue
    const properties = item.indexOf(';', equals)
    return decoded(item.slice(equals + 1, properties < 0 ? item.length : properties).trim())
  }
  return null
}

function decoded(value: string): string {
  if (!value.includes('%')) return value
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}
