// The head of a reply (RFC 9112 sections 4 and 5), byte by byte and strictly: CRLF ends a line and nothing else does, no
// folding, no space before a colon, one framing. What is let through here is what every parser behind us agrees on.
import { IS_TOKEN } from '../../base/headers.ts'
import { COLON, CR, DELETE, LF, says, SPACE, TAB, ZERO } from './bytes.ts'
import type { WireHead } from './response-head.ts'

/** Instead of an index: the rest of the head has not arrived. */
export const INCOMPLETE = -1
/** Instead of an index: this is not a reply. */
export const INVALID = -2

/** Instead of an index: more fields than allowed. */
export const TOO_MANY = -3

/** `HTTP/1.1 200` and the byte behind it. */
const SHORTEST_STATUS_LINE = 13
const LONGEST_LENGTH = 15

/**
 * Reads one head from [from, to) into `head`. Returns the index behind its empty line, INCOMPLETE, INVALID or TOO_MANY. It begins
 * anew on every call: the caller keeps the bytes of an incomplete head.
 */
export function readHead(bytes: Buffer, from: number, to: number, head: WireHead, mostFields: number): number {
  const length = head.repeats(bytes, from, to)
  if (length > 0) return from + length
  head.start()
  const end = parseHead(bytes, from, to, head, mostFields)
  if (end > 0) head.remember(bytes, from, end)
  return end
}

function parseHead(bytes: Buffer, from: number, to: number, head: WireHead, mostFields: number): number {
  const lineEnd = parseStatusLine(bytes, from, to, head)
  if (lineEnd < 0) return lineEnd
  let at = lineEnd
  for (let fields = 0; ; fields++) {
    if (at + 1 >= to) return at < to && bytes[at] !== CR && IS_TOKEN[bytes[at]!] === 0 ? INVALID : INCOMPLETE
    if (bytes[at] === CR) {
      if (bytes[at + 1] !== LF) return INVALID
      head.finish()
      return isFramed(head) ? at + 2 : INVALID
    }
    if (fields === mostFields) return TOO_MANY
    at = parseField(bytes, at, to, head)
    if (at < 0) return at
  }
}

const PREFIX = 'HTTP/1.'

function parseStatusLine(bytes: Buffer, from: number, to: number, head: WireHead): number {
  for (let i = 0; i < PREFIX.length && from + i < to; i++) {
    if (bytes[from + i] !== PREFIX.charCodeAt(i)) return INVALID
  }
  if (to - from < SHORTEST_STATUS_LINE) return INCOMPLETE
  const minor = bytes[from + 7]! - ZERO
  if ((minor !== 0 && minor !== 1) || bytes[from + 8] !== SPACE) return INVALID
  head.minor = minor
  let status = 0
  for (let i = from + 9; i < from + 12; i++) {
    const digit = bytes[i]! - ZERO
    if (digit < 0 || digit > 9) return INVALID
    status = status * 10 + digit
  }
  if (status < 100) return INVALID
  head.status = status
  let at = from + 12
  if (bytes[at] !== SPACE && bytes[at] !== CR) return INVALID
  at = valueEnd(bytes, at, to)
  const end = lineEnd(bytes, at, to)
  if (end > 0) head.takeStatus(bytes, from + 9, at)
  return end
}

/** Index of the first byte that a field value cannot have: comparisons, as they are faster here than a table. */
function valueEnd(bytes: Buffer, from: number, to: number): number {
  let at = from
  for (; at < to; at++) {
    const byte = bytes[at]!
    if (byte < SPACE ? byte !== TAB : byte === DELETE) break
  }
  return at
}

/** Index behind the CRLF that must be at `at`. */
function lineEnd(bytes: Buffer, at: number, to: number): number {
  if (at >= to) return INCOMPLETE
  if (bytes[at] !== CR) return INVALID
  if (at + 1 >= to) return INCOMPLETE
  return bytes[at + 1] === LF ? at + 2 : INVALID
}

function parseField(bytes: Buffer, start: number, to: number, head: WireHead): number {
  const isToken = IS_TOKEN
  let colon = start
  while (colon < to && isToken[bytes[colon]!] === 1) colon++
  if (colon === to) return INCOMPLETE
  if (bytes[colon] !== COLON || colon === start) return INVALID
  let value = colon + 1
  while (value < to && (bytes[value] === SPACE || bytes[value] === TAB)) value++
  const at = valueEnd(bytes, value, to)
  const next = lineEnd(bytes, at, to)
  if (next < 0) return next
  let end = at
  while (end > value && (bytes[end - 1] === SPACE || bytes[end - 1] === TAB)) end--
  return takeField(bytes, start, colon, value, end, head) ? next : INVALID
}

/** Sorts a field: framing and hop-by-hop fields end here, the rest goes to the client. False: two framings. */
function takeField(bytes: Buffer, start: number, colon: number, value: number, end: number, head: WireHead): boolean {
  switch (colon - start) {
    case 2:
      if (says(bytes, start, 'te')) return true
      break
    case 4:
      if (!says(bytes, start, 'date')) break
      head.takeDate(bytes, value, end)
      return true
    case 7:
      if (says(bytes, start, 'trailer') || says(bytes, start, 'upgrade')) return true
      break
    case 10:
      if (says(bytes, start, 'connection')) {
        takeConnection(bytes, value, end, head)
        return true
      }
      if (!says(bytes, start, 'keep-alive')) break
      head.keepAlive = keepAliveTimeout(bytes, value, end)
      return true
    case 14:
      if (says(bytes, start, 'content-length')) return takeLength(bytes, value, end, head)
      if (says(bytes, start, 'http2-settings')) return true
      break
    case 16:
      if (says(bytes, start, 'proxy-connection')) return true
      break
    case 17:
      if (!says(bytes, start, 'transfer-encoding')) break
      // Only `chunked`, once: another coding would have to be undone here, and two are somebody's smuggling.
      if (head.chunked || end - value !== 7 || !says(bytes, value, 'chunked')) return false
      head.chunked = true
      return true
  }
  head.takeField(bytes, start, colon, value, end)
  return true
}

function takeConnection(bytes: Buffer, value: number, end: number, head: WireHead): void {
  if (end - value === 10 && says(bytes, value, 'keep-alive')) head.keepsAlive = true
  else if (end - value === 5 && says(bytes, value, 'close')) head.closes = true
  else {
    const text = bytes.toString('latin1', value, end).toLowerCase()
    head.connection = head.connection === '' ? text : head.connection + ',' + text
  }
}

function takeLength(bytes: Buffer, value: number, end: number, head: WireHead): boolean {
  if (head.length >= 0 || end === value || end - value > LONGEST_LENGTH) return false
  let length = 0
  for (let i = value; i < end; i++) {
    const digit = bytes[i]! - ZERO
    if (digit < 0 || digit > 9) return false
    length = length * 10 + digit
  }
  head.length = length
  return true
}

/** Seconds of `timeout=N` among the parameters; -1 if there is none. */
function keepAliveTimeout(bytes: Buffer, value: number, end: number): number {
  const text = bytes.toString('latin1', value, end)
  const seconds = /(?:^|[,;\s])timeout\s*=\s*(\d{1,6})(?!\d)/i.exec(text)
  return seconds === null ? -1 : Number(seconds[1])
}

function isFramed(head: WireHead): boolean {
  return !(head.chunked && (head.length >= 0 || head.minor === 0))
}
