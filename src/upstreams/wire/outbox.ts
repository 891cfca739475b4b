// Requests leave when the loop has seen everything that happened in its turn: those of one connection in one write, and
// all of them one after the other, so that whoever reads them is woken once and not once per request.
//
// Each write is a view of one buffer. node:net keeps what the kernel does not take at once, so a buffer of which
// something is pending is left to it, and the next write gets another.
import type { Socket } from 'node:net'
import type { Exchange } from '../../contract/exchange.ts'
import { ByteWriter } from './byte-writer.ts'
import { writeBytes } from './socket-writer.ts'

const SIZE = 16 * 1024
/** Views of these lengths are kept: heads of one client and route are often equally long. */
const KEPT_VIEWS = 2048

const CHUNKED = -1

/** A connection with requests that were not written yet. */
export interface Sender {
  readonly socket: Socket
  /** Writes their heads, in order. */
  writeHeads(to: ByteWriter): void
}

let writer = new ByteWriter(SIZE)
let views: (Buffer | null)[] = Array.from({ length: KEPT_VIEWS }, () => null)
const senders: (Sender | null)[] = []
let count = 0

/** `sender` has something to write; it says so once until it is asked. */
export function leaveThisTurn(sender: Sender): void {
  if (count === 0) setImmediate(flush)
  senders[count++] = sender
}

function flush(): void {
  for (let i = 0; i < count; i++) {
    const sender = senders[i]!
    senders[i] = null
    sender.writeHeads(writer)
    if (writer.end > 0) send(sender.socket)
  }
  count = 0
}

/** The head alone, for a body that follows it in the same write. */
export function headOf(x: Exchange, traceparent: string): Buffer {
  writeHead(x, traceparent, writer)
  const head = Buffer.from(writer.bytes.subarray(0, writer.end))
  writer.end = 0
  return head
}

function send(socket: Socket): void {
  const free = writeBytes(socket, view(writer.end))
  writer.end = 0
  if (free) return
  writer = new ByteWriter(SIZE)
  views = Array.from({ length: KEPT_VIEWS }, () => null)
}

function view(length: number): Buffer {
  const kept = length < KEPT_VIEWS ? views[length]! : null
  if (kept !== null && kept.buffer === writer.bytes.buffer) return kept
  const made = writer.bytes.subarray(0, length)
  if (length < KEPT_VIEWS) views[length] = made
  return made
}

/** The request line, the fields of `x.upstreamHeaders` (RFC 9112 section 3), and that of the try, if there is one. */
export function writeHead(x: Exchange, traceparent: string, to: ByteWriter): void {
  to.text(x.method)
  to.text(' ')
  to.text(x.upstreamTarget)
  to.text(' HTTP/1.1\r\n')
  const { flat, length } = x.upstreamHeaders
  for (let i = 0; i < length; i += 2) to.field(flat[i]!, flat[i + 1]!)
  if (traceparent !== '') to.field('traceparent', traceparent)
  else if (x.trace.isPlain) to.whole(x.trace.line)
  to.text(x.body.length === CHUNKED ? 'transfer-encoding: chunked\r\n\r\n' : '\r\n')
}
