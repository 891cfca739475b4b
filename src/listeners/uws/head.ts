// Copies a request head out of uWS, which forgets it when the handler returns.
import type { HttpRequest } from 'uWebSockets.js'
import type { HeaderList } from '../../base/headers.ts'
import type { Exchange } from '../../contract/exchange.ts'

/** U+FFFD: what uWS makes of bytes that are not UTF-8. */
const REPLACEMENT = '\ufffd'
const NON_ASCII = /[^\x00-\x7f]/

/** Fills method, target and headers. False when a value cannot be had as it was sent. */
export function readHead(x: Exchange, req: HttpRequest): boolean {
  // getMethod would lower the case in place, so it must not be called before.
  x.method = req.getCaseSensitiveMethod()
  const url = req.getUrl()
  const query = req.getQuery()
  // uWS splits at the first `?`; undefined means that there was none.
  x.target = query === undefined ? url : url + '?' + query
  const headers = x.headers
  let faithful = true
  req.forEach((name, value) => {
    if (NON_ASCII.test(value)) {
      const bytes = originalValue(headers, req, name, value)
      if (bytes === null) faithful = false
      else value = bytes
    }
    headers.push(name, value)
  })
  return faithful
}

/** forEach decodes UTF-8, getHeader gives latin1, but only the first field of a name. */
function originalValue({ flat, length }: HeaderList, req: HttpRequest, name: string, decoded: string): string | null {
  for (let i = 0; i < length; i += 2) {
    if (flat[i] !== name) continue
    return decoded.includes(REPLACEMENT) ? null : Buffer.from(decoded, 'utf8').toString('latin1')
  }
  return req.getHeader(name)
}
