// The head of a reply as the one block that uWS takes.
import { statusLine } from '../../base/status-text.ts'
import type { Exchange } from '../../contract/exchange.ts'

const NON_ASCII = /[\x80-\xff]/
const CLOSE = '\r\nconnection: close'

/** Status line and fields without the last line end, which uWS adds; Date and framing are uWS's own. */
export function headBlock(x: Exchange, close: boolean): string | Uint8Array {
  if (x.responseHead !== null && !x.bodyless && !close) {
    const block = x.responseHead.block(x.responseEdits)
    if (block !== null) return block
  }
  x.openHead()
  let block = statusLine(x.status)
  const { flat, length } = x.responseHeaders
  for (let i = 0; i < length; i += 2) {
    const name = flat[i]!
    if (name !== 'date') block += '\r\n' + name + ': ' + flat[i + 1]!
  }
  if (x.bodyless && x.responseLength >= 0 && x.status !== 204) block += '\r\ncontent-length: ' + x.responseLength
  if (close) block += CLOSE
  return NON_ASCII.test(block) ? Buffer.from(block, 'latin1') : block
}

/** Of a block that was made to close: uWS adds that field when it closes the connection itself. */
export function withoutClose(block: string | Uint8Array): string | Uint8Array {
  return typeof block === 'string' ? block.slice(0, -CLOSE.length) : block.subarray(0, -CLOSE.length)
}

/** The head with a Date and the line end that closes a head when uWS adds one more. */
export function rawHead(block: string | Uint8Array): string | Buffer {
  const tail = '\r\ndate: ' + new Date().toUTCString() + '\r\n'
  return typeof block === 'string' ? block + tail : Buffer.concat([block, Buffer.from(tail)])
}
