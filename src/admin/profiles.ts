// Profiles of the running process. They cost it dearly, so they need the token, and one of a kind runs at a time.
import { Session } from 'node:inspector/promises'
import { setTimeout } from 'node:timers/promises'
import { getHeapSnapshot } from 'node:v8'
import { Refusal, type Answer } from './answer.ts'
import type { Resource } from './resource.ts'

/** V8's graph of the heap and its JSON lie in memory beside it: for a heap of small objects 16 times its size was measured. */
const SNAPSHOT_FACTOR = 16

export const cpu: Resource = {
  method: 'GET',
  path: '/admin/v1/debug/cpu',
  summary: 'a CPU profile of some seconds, for the developer tools of a browser',
  access: 'debug',
  parameters: ['seconds'],
  atOnce: 1,
  async handle({ query, signal }) {
    const ms = query.integer('seconds', 1, 60, 10) * 1000
    return file('cpuprofile', JSON.stringify(await cpuProfile(ms, signal)))
  },
}

export const allocations: Resource = {
  method: 'GET',
  path: '/admin/v1/debug/allocations',
  summary: 'who allocated what still lives, sampled for some seconds',
  access: 'debug',
  parameters: ['seconds'],
  atOnce: 1,
  async handle({ query, signal }) {
    const ms = query.integer('seconds', 1, 60, 10) * 1000
    return file('heapprofile', JSON.stringify(await allocationProfile(ms, signal)))
  },
}

export const heap: Resource = {
  method: 'GET',
  path: '/admin/v1/debug/heap',
  summary: 'a heap snapshot; the process stands still while it is made',
  access: 'debug',
  parameters: [],
  atOnce: 1,
  handle() {
    const needed = process.memoryUsage().heapUsed * SNAPSHOT_FACTOR
    const available = process.availableMemory()
    if (needed > available)
      throw new Refusal(
        503,
        `A heap snapshot needs about ${megabytes(needed)} of memory; ${megabytes(available)} are free.`,
      )
    return file('heapsnapshot', getHeapSnapshot())
  },
}

/** Rejects when `signal` is aborted; nothing goes on then. */
export function cpuProfile(ms: number, signal: AbortSignal): Promise<object> {
  return withSession(async (session) => {
    await session.post('Profiler.enable')
    await session.post('Profiler.start')
    await setTimeout(ms, null, { signal })
    return (await session.post('Profiler.stop')).profile
  })
}

export function allocationProfile(ms: number, signal: AbortSignal): Promise<object> {
  return withSession(async (session) => {
    await session.post('HeapProfiler.enable')
    await session.post('HeapProfiler.startSampling')
    await setTimeout(ms, null, { signal })
    return (await session.post('HeapProfiler.stopSampling')).profile
  })
}

async function withSession<T>(work: (session: Session) => Promise<T>): Promise<T> {
  const session = new Session()
  session.connect()
  try {
    return await work(session)
  } finally {
    // Ends whatever it has started, in V8 too.
    session.disconnect()
  }
}

function file(extension: string, body: Answer['body']): Answer {
  const time = new Date().toISOString().slice(0, 19).replaceAll(':', '')
  const name = `sluice-${process.pid}-${time}.${extension}`
  return { type: 'application/json', headers: { 'content-disposition': `attachment; filename="${name}"` }, body }
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`
}
