// Copies a request head out of uWS, which forgets it when the handler returns.
import type { HttpRequest } from 'uWebSockets.js'
import type { HeaderList } from '../../base/headers.ts'
import type { Exchange } from '../../contract/exchange.ts'

// forEach decodes UTF-8, lossily; getHeader gives latin1, but only the first field of a name.

/** U+FFFD: what uWS makes of bytes that are not UTF-8. */
const REPLACEMENT = '\ufffd'
const NON_ASCII = /[^\x00-\x7f]/

/** Takes one field. Made once per Exchange: a closure per request would cost more than the fields of most. */
export type TakeField = (name: string, value: string) => void

/** Fills method, target and headers. False when a value cannot be had as it was sent. */
export function readHead(x: Exchange, req: HttpRequest, takeField: TakeField): boolean {
  // getMethod would lower the case in place, so it must not be called before.
  x.method = req.getCaseSensitiveMethod()
  const url = req.getUrl()
  const query = req.getQuery()
  // uWS splits at the first `?`; undefined means that there was none.
  x.target = query === undefined ? url : url + '?' + query
  req.forEach(takeField)
  const { headers } = x
  for (let i = 1; i < headers.length; i += 2) {
    if (NON_ASCII.test(headers.flat[i]!) && !restore(headers, req, i)) return false
  }
  return true
}

/** Puts the bytes that were sent in the place of what forEach made of them. */
function restore({ flat }: HeaderList, req: HttpRequest, at: number): boolean {
  const name = flat[at - 1]!
  for (let i = 0; i < at - 1; i += 2) {
    if (flat[i] !== name) continue
    // Not the first field of that name: getHeader does not reach it.
    if (flat[at]!.includes(REPLACEMENT)) return false
    flat[at] = Buffer.from(flat[at]!, 'utf8').toString('latin1')
    return true
  }
  flat[at] = req.getHeader(name)
  return true
}
