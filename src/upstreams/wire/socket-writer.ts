// Hands bytes to the kernel without the stream machinery of node:net, whose bookkeeping for a write that succeeds at
// once, as nearly all do, is a tenth of all JavaScript that a proxied request runs.
//
// What it uses, `handle.writeBuffer` and its request object, is what node:net itself uses and not public. The class of
// the request is learned from a write of node's own, and where anything is missing the public way is taken.
import type { Socket } from 'node:net'

interface StreamHandle {
  /** Returns 0 or a negative errno. `request` is used, and kept, only when a part had to be queued. */
  writeBuffer(request: object, bytes: Uint8Array): number
  /** Bytes that libuv has queued. */
  readonly writeQueueSize: number
}

interface WriteRequest {
  oncomplete: (status: number) => void
  /** Keeps the bytes alive. */
  buffer: Uint8Array
}

let requestClass: (new () => WriteRequest) | null = null
let spare: WriteRequest | null = null

/** Writes behind whatever was written before. True: the kernel has it all, and `bytes` are free again. */
export function writeBytes(socket: Socket, bytes: Uint8Array): boolean {
  const handle = (socket as unknown as { readonly _handle?: StreamHandle | null })._handle
  if (spare === null || handle === undefined || handle === null || socket.writableLength > 0) {
    if (spare === null && handle) learn(handle)
    socket.write(bytes)
    return socket.writableLength === 0
  }
  const status = handle.writeBuffer(spare, bytes)
  if (status < 0) {
    socket.destroy(new Error(`write failed: errno ${-status}`))
    return true
  }
  if (handle.writeQueueSize === 0) return true
  // A part waits in libuv, and the request belongs to it now.
  spare.buffer = bytes
  spare.oncomplete = (later) => {
    if (later < 0) socket.destroy(new Error(`write failed: errno ${-later}`))
  }
  spare = new requestClass!()
  return false
}

/** The next write of node:net shows what a write request is. */
function learn(handle: StreamHandle): void {
  if (typeof handle.writeBuffer !== 'function' || typeof handle.writeQueueSize !== 'number') return
  // An own property in front of the inherited method, for one write.
  handle.writeBuffer = (request, bytes) => {
    delete (handle as Partial<StreamHandle>).writeBuffer
    requestClass = request.constructor as new () => WriteRequest
    spare = new requestClass()
    return handle.writeBuffer(request, bytes)
  }
}
