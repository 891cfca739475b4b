// What changes the configuration. Each change says which version it was made from (If-Match), so that nobody overwrites
// what he has not seen.
import type { WriteOutcome } from '../control/config-authority.ts'
import { WriteRefusal } from '../control/write-refusal.ts'
import type { SentConfig } from '../control/sent-config.ts'
import type { ConfigWriter, WriteRequest } from '../control/writer.ts'
import { json, Refusal, type Answer } from './answer.ts'
import { audited, controlOf, refusalOf, type Deed } from './audited.ts'
import { MOST_BYTES } from './body.ts'
import type { AdminCall, Resource } from './resource.ts'
import { versionOf } from './snapshots.ts'
import type { AdminState } from './state.ts'

const CONFIG_TYPES = ['application/yaml', 'application/json']
const YAML = 'application/yaml'
/** Bytes of one route. */
const MOST_ROUTE = 1024 * 1024

export const putConfig: Resource<Pick<AdminState, 'control' | 'log'>> = {
  method: 'PUT',
  path: '/admin/v1/config',
  summary: 'replaces the configuration; validate=only: says what would change',
  access: 'write',
  parameters: ['validate'],
  body: { types: CONFIG_TYPES, most: MOST_BYTES },
  handle: (call, state) =>
    change(call, state, { action: 'config.replace', target: '' }, (writer, request) =>
      writer.replace(sentConfig(call), request),
    ),
}

export const validateConfig: Resource<Pick<AdminState, 'control' | 'log'>> = {
  method: 'POST',
  path: '/admin/v1/config/validate',
  summary: 'could this configuration serve, and what would it change?',
  // It is told what variables of the environment stand for.
  access: 'write',
  parameters: [],
  body: { types: CONFIG_TYPES, most: MOST_BYTES },
  handle: validated,
}

export const patchRoute: Resource<Pick<AdminState, 'control' | 'log'>> = {
  method: 'PATCH',
  path: '/admin/v1/routes/{name}',
  summary: 'changes one route by a merge patch: {"upstream": "..."}',
  access: 'write',
  parameters: ['validate'],
  body: { types: ['application/merge-patch+json', 'application/json'], most: MOST_ROUTE },
  handle: (call, state) =>
    change(call, state, { action: 'route.patch', target: call.place['name']! }, (writer, request) =>
      writer.patchRoute(call.place['name']!, sentJson(call), request),
    ),
}

export const putRoute: Resource<Pick<AdminState, 'control' | 'log'>> = {
  method: 'PUT',
  path: '/admin/v1/routes/{name}',
  summary: 'replaces one route, or adds it',
  access: 'write',
  parameters: ['validate'],
  body: { types: ['application/json'], most: MOST_ROUTE },
  handle: (call, state) =>
    change(call, state, { action: 'route.put', target: call.place['name']! }, (writer, request) =>
      writer.putRoute(call.place['name']!, sentJson(call), request),
    ),
}

export const deleteRoute: Resource<Pick<AdminState, 'control' | 'log'>> = {
  method: 'DELETE',
  path: '/admin/v1/routes/{name}',
  summary: 'removes one route',
  access: 'write',
  parameters: ['validate'],
  handle: (call, state) =>
    change(call, state, { action: 'route.delete', target: call.place['name']! }, (writer, request) =>
      writer.deleteRoute(call.place['name']!, request),
    ),
}

export const activateSnapshot: Resource<Pick<AdminState, 'control' | 'log'>> = {
  method: 'POST',
  path: '/admin/v1/snapshots/{version}/activate',
  summary: 'makes a version that served before serve again, as a new version',
  access: 'write',
  parameters: ['validate'],
  handle(call, state) {
    const version = versionOf(call.place['version']!)
    return change(call, state, { action: 'snapshot.activate', target: `${version}` }, (writer, request) =>
      writer.activate(version, request),
    )
  },
}

async function change(
  call: AdminCall,
  state: Pick<AdminState, 'control' | 'log'>,
  deed: Deed,
  work: (writer: ConfigWriter, request: WriteRequest) => Promise<WriteOutcome>,
): Promise<Answer> {
  const { writer } = controlOf(state)
  const dryRun = call.query.oneOf('validate', ['only', 'no'], 'no') === 'only'
  const { author } = call.actor
  const make = (): Promise<WriteOutcome> =>
    work(writer, { author, message: call.message, dryRun, base: baseOf(call.ifMatch, writer.version, dryRun) })
  const outcome = dryRun ? await looked(make, writer) : await audited(call, state, deed, async () => make())
  return json(outcome, { etag: `"${outcome.version}"` })
}

/** What is only looked at is no matter of the audit log. */
async function looked(work: () => Promise<WriteOutcome>, writer: ConfigWriter): Promise<WriteOutcome> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof WriteRefusal ? refusalOf(error, writer.version) : error
  }
}

async function validated(call: AdminCall, state: Pick<AdminState, 'control' | 'log'>): Promise<Answer> {
  const { writer } = controlOf(state)
  const request = { author: call.actor.author, message: '', dryRun: true, base: null }
  try {
    const { version, changes, warnings } = await writer.replace(sentConfig(call), request)
    return json({ valid: true, version, problems: [], warnings, changes })
  } catch (error) {
    if (!(error instanceof WriteRefusal)) throw error
    if (error.kind !== 'invalid' || error.problems.length === 0) throw refusalOf(error, writer.version)
    return json({ valid: false, version: writer.version, problems: error.problems, warnings: [], changes: [] })
  }
}

/** Of a version, in any of its forms. */
const TAG = /^"(\d+)(?:\.\d+)?(?:-yaml)?"$/

/**
 * The version that the change was made from; null: whatever serves. Throws Refusal: 428 when it is not said, 412 when
 * it is not the one that serves. The comparison is strong (RFC 9110 section 13.1.1); the tags of both forms will do.
 */
function baseOf(ifMatch: string, version: number, dryRun: boolean): number | null {
  if (ifMatch === '' && dryRun) return null
  if (ifMatch === '')
    throw new Refusal(
      428,
      'If-Match must say which version this was made from: the ETag of GET /admin/v1/config, or *.',
      {
        etag: `"${version}"`,
      },
    )
  const tags = ifMatch.split(',').map((tag) => tag.trim())
  if (tags.includes('*')) return null
  if (tags.some((tag) => TAG.exec(tag)?.[1] === String(version))) return version
  throw new Refusal(412, `version ${version} serves, which is not the one that this was made from`, {
    etag: `"${version}"`,
  })
}

function sentConfig({ body }: AdminCall): SentConfig {
  return { form: body!.type === YAML ? 'yaml' : 'json', text: body!.text }
}

function sentJson({ body }: AdminCall): unknown {
  try {
    return JSON.parse(body!.text)
  } catch (error) {
    throw new Refusal(400, `The body is no JSON: ${(error as Error).message.slice(0, 200)}`)
  }
}
