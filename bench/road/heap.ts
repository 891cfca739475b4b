// Bytes of heap per request of a process with the heap probe.
import type { Process } from '../lab.ts'
import type { HeapSeen } from '../probe/heap.ts'

export async function heapPerRequest(
  process: Process,
  load: () => Promise<{ readonly requests: number }>,
): Promise<number> {
  await process.ask('begin')
  const { requests } = await load()
  const { allocated } = await process.ask<HeapSeen>('end')
  return allocated / requests
}
