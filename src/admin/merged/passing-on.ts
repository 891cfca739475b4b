// What one worker can tell as well as another, and what is asked of a certain one: the question goes there, and the answer
// comes back as it is.
import type { IncomingMessage } from 'node:http'
import { Refusal, type Answer } from '../answer.ts'
import type { AdminCall, Resource } from '../resource.ts'
import { IDLE_LIMIT } from '../sending.ts'
import type { FleetAdmin, WorkerAdmin } from './fleet.ts'
import { open } from './worker-client.ts'

/** ms until the head is there: a long list takes a while. */
const HEAD_LIMIT = 5000
/** A profile is only there at its end, and a heap snapshot lets its process stand still. */
const DEBUG_LIMIT = 180_000
const WORKER = 'worker'
/** Fields of an answer that come back. */
const KEPT = ['etag', 'content-disposition', 'retry-after', 'allow'] as const

interface Seen {
  readonly fleet: FleetAdmin
}

/** Any worker that is ready answers for all of them; `?worker=N` asks that one. */
export function fromAny(resource: Resource): Resource<Seen> {
  return passedOn(resource, async (call, fleet) => {
    if (call.query.text(WORKER) !== null) return passOn(call, chosen(call, fleet), resource)
    let refusal = noneReady()
    for (const worker of readyWorkers(fleet)) {
      try {
        return await passOn(call, worker, resource)
      } catch (error) {
        if (!(error instanceof Refusal) || call.signal.aborted) throw error
        refusal = error
      }
    }
    throw refusal
  })
}

/** One worker answers: the first one, unless `?worker=N` says another. */
export function fromOne(resource: Resource): Resource<Seen> {
  return passedOn(resource, async (call, fleet) => passOn(call, chosen(call, fleet), resource))
}

/** `merged` for all workers together; with `?worker=N` as that one has it. */
export function fromAllOrOne<S extends Seen>(
  resource: Resource,
  merged: (call: AdminCall, state: S) => Promise<Answer>,
): Resource<S> {
  return {
    ...described(resource),
    handle: (call, state) =>
      call.query.text(WORKER) === null ? merged(call, state) : passOn(call, chosen(call, state.fleet), resource),
  }
}

function passedOn(resource: Resource, handle: (call: AdminCall, fleet: FleetAdmin) => Promise<Answer>): Resource<Seen> {
  return { ...described(resource), handle: (call, { fleet }) => handle(call, fleet) }
}

/** The same to whoever asks, but for one more parameter. */
function described(resource: Resource): Omit<Resource, 'handle'> {
  const { parameters } = resource
  return { ...resource, parameters: parameters === null ? null : [...parameters, WORKER] }
}

/** Throws Refusal. */
export function chosen({ query }: Pick<AdminCall, 'query'>, fleet: FleetAdmin): WorkerAdmin {
  const asked = query.text(WORKER)
  const workers = [...fleet.workers()].toSorted((a, b) => a.number - b.number)
  const found = asked === null ? workers[0] : workers.find(({ number }) => String(number) === asked)
  if (found !== undefined) return found
  if (workers.length === 0) throw noneReady()
  const numbers = workers.map(({ number }) => number).join(', ')
  throw new Refusal(400, `worker: saw ${JSON.stringify(asked?.slice(0, 20))}, expected one of ${numbers}`)
}

function readyWorkers(fleet: FleetAdmin): WorkerAdmin[] {
  return fleet.workers().filter(({ state }) => state === 'ready')
}

function noneReady(): Refusal {
  return new Refusal(503, 'No worker is ready.', { 'retry-after': '1' })
}

/** Throws Refusal when the worker does not answer. */
async function passOn(call: AdminCall, worker: WorkerAdmin, { path, access }: Resource): Promise<Answer> {
  const { query, ifNoneMatch, accept, signal } = call
  const headers = {
    ...(ifNoneMatch === '' ? {} : { 'if-none-match': ifNoneMatch }),
    ...(accept === '' ? {} : { accept }),
  }
  const limit = access === 'debug' ? DEBUG_LIMIT : HEAD_LIMIT
  try {
    return answerOf(await open(worker, path + query.without(WORKER), { headers, limit, signal }))
  } catch {
    throw new Refusal(503, `Worker ${worker.number} does not answer.`, { 'retry-after': '1' })
  }
}

function answerOf(response: IncomingMessage): Answer {
  const { statusCode = 502, headers } = response
  response.setTimeout(IDLE_LIMIT, () => response.destroy(new Error('the worker sends nothing any more')))
  // What fails before anybody reads it must not end the process.
  response.on('error', () => {})
  const kept: Record<string, string> = {}
  for (const name of KEPT) if (typeof headers[name] === 'string') kept[name] = headers[name]
  const type = headers['content-type']
  return { status: statusCode, headers: kept, body: response, ...(type === undefined ? {} : { type }) }
}
