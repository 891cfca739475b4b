// All that the admin API tells, by path and method.
import { didYouMean } from '../config/nearest.ts'
import { json, Refusal, type Answer } from './answer.ts'
import { configuration } from './configuration.ts'
import { exchanges } from './exchanges.ts'
import { livez, metrics, readyz, stats, upstreams } from './health.ts'
import { latencies } from './latencies.ts'
import { audit, drain, fleet } from './operations.ts'
import { plugins } from './plugins.ts'
import { allocations, cpu, heap } from './profiles.ts'
import type { AdminCall, Resource } from './resource.ts'
import { explain, routes } from './routes.ts'
import { snapshot, snapshots } from './snapshots.ts'
import type { AdminState } from './state.ts'
import { activateSnapshot, deleteRoute, patchRoute, putConfig, putRoute, validateConfig } from './writes.ts'

const index: Resource = {
  method: 'GET',
  path: '/admin/v1',
  summary: 'this list',
  access: 'read',
  parameters: [],
  handle: () =>
    json({ resources: ALL.map(({ method, path, summary, access }) => ({ method, path, summary, access })) }),
}

const ALL: readonly Resource[] = [
  livez,
  readyz,
  metrics,
  index,
  stats,
  configuration,
  putConfig,
  validateConfig,
  snapshots,
  snapshot,
  activateSnapshot,
  routes,
  patchRoute,
  putRoute,
  deleteRoute,
  upstreams,
  plugins,
  explain,
  exchanges,
  latencies,
  audit,
  fleet,
  drain,
  cpu,
  heap,
  allocations,
]

/** Several of one path differ in their methods. */
const BY_PATH = new Map<string, readonly Resource[]>()
for (const each of ALL) BY_PATH.set(each.path, [...(BY_PATH.get(each.path) ?? []), each])

export interface Found {
  readonly resource: Resource
  readonly place: AdminCall['place']
}

/** Throws Refusal: 404 with the nearest path, or 405 with Allow. `others`: paths that are served elsewhere. */
export function findResource(method: string, path: string, others: Iterable<string>): Found {
  const { resources, place } = resourcesAt(path, others)
  const found = resources.find((each) => each.method === method || (method === 'HEAD' && hasHead(each)))
  if (found !== undefined) return { resource: found, place }
  const allow = resources.flatMap((each) => [each.method, ...(hasHead(each) ? ['HEAD'] : [])])
  throw new Refusal(405, `${path.slice(0, 100)} has no ${method.slice(0, 20)}`, { allow: allow.join(', ') })
}

/** A HEAD would profile for nothing. */
function hasHead({ method, access }: Resource): boolean {
  return method === 'GET' && access !== 'debug'
}

function resourcesAt(
  path: string,
  others: Iterable<string>,
): { resources: readonly Resource[]; place: AdminCall['place'] } {
  const resources = BY_PATH.get(path)
  if (resources !== undefined && !path.includes('{')) return { resources, place: {} }
  for (const [pattern, list] of BY_PATH) {
    const place = pattern.includes('{') ? placeIn(pattern, path) : null
    if (place !== null) return { resources: list, place }
  }
  const shown = JSON.stringify(path.length > 100 ? `${path.slice(0, 100)}...` : path)
  const near = didYouMean(path, [...BY_PATH.keys(), ...others]) || '; GET /admin/v1 lists what there is'
  throw new Refusal(404, `there is no ${shown}${near}`)
}

/** What stands for the names in the pattern; null when the path is not of it. An encoded slash is part of a name. */
function placeIn(pattern: string, path: string): AdminCall['place'] | null {
  const [names, parts] = [pattern.split('/'), path.split('/', 16)]
  if (names.length !== parts.length) return null
  const place: Record<string, string> = {}
  for (const [i, name] of names.entries()) {
    const part = parts[i]!
    if (!name.startsWith('{')) {
      if (name !== part) return null
    } else if (part === '') return null
    else place[name.slice(1, -1)] = decoded(part)
  }
  return place
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new Refusal(400, `${JSON.stringify(part.slice(0, 100))} in the path has escapes that are no UTF-8`)
  }
}

/** Lets only so many requests be worked on as each resource says. */
export class Workload {
  readonly #running = new Map<Resource, number>()

  async run(resource: Resource, call: AdminCall, state: AdminState): Promise<Answer> {
    const running = this.#running.get(resource) ?? 0
    if (running >= (resource.atOnce ?? Infinity)) {
      if (resource.access === 'debug') throw new Refusal(409, 'One is running already; one at a time is possible.')
      throw new Refusal(503, `${running} of these are being answered already.`, { 'retry-after': '1' })
    }
    this.#running.set(resource, running + 1)
    const done = (): void => void this.#running.set(resource, this.#running.get(resource)! - 1)
    let answer: Answer
    try {
      answer = await resource.handle(call, state)
    } catch (error) {
      done()
      throw error
    }
    // What is made while it is sent goes on until then.
    if (typeof answer.body === 'string' || Buffer.isBuffer(answer.body)) done()
    else answer.body.once('close', done)
    return answer
  }
}
