// From undici's raw head to the reply fields of the Exchange: hop-by-hop fields go, framing becomes a length.
import { isFieldValue, parseContentLength } from '../../base/headers.ts'
import { isHopByHop, namesInConnection } from '../../base/hop-by-hop.ts'
import type { Exchange } from '../../contract/exchange.ts'
import { UNKNOWN_LENGTH } from '../../contract/reply.ts'

/** False when the head has bytes that must not reach a client. `raw` is flat: name, value, ... */
export function readHead(x: Exchange, status: number, raw: readonly Buffer[]): boolean {
  const headers = x.responseHeaders
  headers.clear()
  let length = UNKNOWN_LENGTH
  let chunked = false
  let connection = ''
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toString('latin1').toLowerCase()
    const value = raw[i + 1]!.toString('latin1')
    if (!isFieldValue(value)) {
      headers.clear() // another request for the same Exchange may still be answered
      return false
    }
    if (name === 'content-length') length = parseContentLength(value)
    else if (name === 'transfer-encoding') chunked = true
    else if (name === 'connection') connection = connection === '' ? value : connection + ',' + value
    else if (!isHopByHop(name)) headers.push(name, value)
  }
  if (connection !== '') headers.removeAll(namesInConnection(connection))
  x.status = status
  x.responseLength = chunked ? UNKNOWN_LENGTH : length
  return true
}
