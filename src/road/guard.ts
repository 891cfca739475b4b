// Checks of the head that decide whether two parsers could read one message differently (RFC 9112 sections 3.2, 6.1,
// 6.3, 11.2). They run for every engine: uWS makes few of them itself, node:http most.
import { ERRORS, Failure, type ErrorKind } from '../base/errors.ts'
import { isFieldValue, isToken, parseContentLength, type HeaderList } from '../base/headers.ts'
import { normalizeHost } from '../base/host.ts'
import { namesInConnection } from '../base/hop-by-hop.ts'
import type { Exchange } from '../contract/exchange.ts'
import { NEXT, type Verdict } from '../contract/verdict.ts'
import { clientAddress } from './client-address.ts'

const CHUNKED = -1

export function guard(x: Exchange): Verdict {
  if (x.malformed !== null) return refuse(x, x.malformed)
  if (x.method === 'GET' || x.method === 'POST') {
    // the two that need no look
  } else if (!isToken(x.method)) return refuse(x, ERRORS.badMethod)
  else if (x.method === 'CONNECT' || x.method === 'TRACE') return refuse(x, ERRORS.notImplemented)
  const refused = readHeaders(x)
  if (refused !== null) return refuse(x, refused)
  clientAddress(x)
  return readTarget(x)
}

function refuse(x: Exchange, kind: ErrorKind): Verdict {
  return x.fail(new Failure(kind))
}

/** One walk over the head: framing, Host, and what Connection names. Null when all is well. */
function readHeaders(x: Exchange): ErrorKind | null {
  const { headers } = x
  const { flat } = headers
  let hosts = 0
  let lengths = 0
  let codings = 0
  let length = 0
  let chunked = false
  let connection = ''
  for (let i = 0; i < headers.length; i += 2) {
    const name = flat[i]!
    const value = flat[i + 1]!
    if (!isToken(name) || !isFieldValue(value)) return ERRORS.badHeader
    switch (name) {
      case 'host':
        hosts++
        x.authority = value
        break
      case 'content-length':
        lengths++
        length = parseContentLength(value)
        break
      case 'transfer-encoding':
        codings++
        chunked = value.toLowerCase() === 'chunked'
        break
      case 'connection':
        connection = connection === '' ? value : connection + ',' + value
        break
      case 'expect':
        if (value.toLowerCase() !== '100-continue') return ERRORS.expectation
        break
    }
  }
  // Any doubt about where the body ends is refused, not resolved: request smuggling lives on resolutions.
  if (lengths > 1 || length < 0) return ERRORS.badFraming
  if (codings > 1 || (codings === 1 && (!chunked || lengths === 1 || x.minorVersion === 0))) return ERRORS.badFraming
  const body = codings === 1 ? CHUNKED : length
  x.body.start(body, x.reply)
  if ((body === CHUNKED && x.listener.lenientChunks) || connection.toLowerCase().includes('close')) x.closeAfter = true
  if (hosts > 1 || (hosts === 0 && x.minorVersion === 1)) return ERRORS.badHost
  if (x.target.charCodeAt(0) !== SLASH && !isServerWide(x) && !readAbsoluteForm(x)) {
    return ERRORS.badTarget
  }
  const host = normalizeHost(x.authority)
  if (host === null || (hosts === 1 && host === '')) return ERRORS.badHost
  x.host = host
  if (connection !== '') dropNamed(headers, connection)
  return null
}

// What plugins see is what is forwarded, so fields that Connection names go now; those that later steps add stay.
// The fields that say where a request came from are exempt: naming them must not hide a client.
function dropNamed(headers: HeaderList, connection: string): void {
  for (const name of namesInConnection(connection)) if (!isExempt(name)) headers.remove(name)
}

function isExempt(name: string): boolean {
  return name === 'host' || name === 'content-length' || name === 'forwarded' || name.startsWith('x-forwarded-')
}

/** `OPTIONS *` asks about the server as a whole (RFC 9110 section 9.3.7). */
function isServerWide(x: Exchange): boolean {
  return x.target === '*' && x.method === 'OPTIONS'
}

const NO_HEADERS: readonly string[] = []
const ABSOLUTE_FORM = /^https?:\/\/([^/?#@]+)(\/?.*)$/i

/** `GET http://host/path`: its authority replaces Host (RFC 9112 section 3.2.2). */
function readAbsoluteForm(x: Exchange): boolean {
  const form = ABSOLUTE_FORM.exec(x.target)
  if (form === null) return false
  x.authority = form[1]!
  x.target = form[2]!.startsWith('/') ? form[2]! : '/' + form[2]!
  return true
}

function readTarget(x: Exchange): Verdict {
  const target = x.target
  if (isServerWide(x)) return x.respond(204, NO_HEADERS, '')
  const mark = target.indexOf('?')
  const raw = mark < 0 ? target : target.slice(0, mark)
  if (mark >= 0) {
    x.search = target.slice(mark)
    if (!isQuery(x.search)) return refuse(x, ERRORS.badTarget)
  }
  const path = x.listener.canonicalPath(raw)
  if (path === '') return refuse(x, ERRORS.badPath)
  x.path = path
  return NEXT
}

const SLASH = 47
const HASH = 35
const SPACE = 32
const DELETE = 127

/** The query passes untouched, but no byte of it may end the request line or begin a fragment. */
function isQuery(search: string): boolean {
  for (let i = 0; i < search.length; i++) {
    const code = search.charCodeAt(i)
    if (code <= SPACE || code >= DELETE || code === HASH) return false
  }
  return true
}
