// The request head as one latin1 string: of all ways to hand it to node:net the one with the fewest calls into C++.
import type { Exchange } from '../../contract/exchange.ts'

const CHUNKED = -1

export function requestHead(x: Exchange): string {
  let head = x.method + ' ' + x.upstreamTarget + ' HTTP/1.1\r\n'
  const { flat, length } = x.upstreamHeaders
  for (let i = 0; i < length; i += 2) head += flat[i]! + ': ' + flat[i + 1]! + '\r\n'
  if (x.body.length === CHUNKED) head += 'transfer-encoding: chunked\r\n'
  return head + '\r\n'
}
