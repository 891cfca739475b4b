// What a request would meet on a snapshot, and why: for the command line and the admin API.
import { canonicalPath, canonicalPathProblem } from '../base/canonical-path.ts'
import { HeaderList, isFieldValue, isToken } from '../base/headers.ts'
import { normalizeHost } from '../base/host.ts'
import { MAX_PARAMETERS } from '../base/path-pattern.ts'
import { inOrder } from '../chain/compile.ts'
import { concealedOptions } from '../config/concealed.ts'
import type { RouteConfig } from '../config/schema.ts'
import { mergeToggles } from '../config/toggles.ts'
import { layersFor } from './chains.ts'
import { describeAction } from './route-table.ts'
import type { CompiledSnapshot } from './snapshot.ts'

/** The gateway would not match such a request at all; the message says why. */
export class UnusableRequest extends Error {}

export interface ExplainedRequest {
  readonly method: string
  readonly host: string
  readonly path: string
  readonly search: string
  readonly headers: HeaderList
  readonly offsets: Int32Array
}

/** `fields`: `name: value` each. Throws UnusableRequest. */
export function readRequest(method: string, url: string, fields: readonly string[]): ExplainedRequest {
  if (!isToken(method)) throw new UnusableRequest(`the gateway would answer 400 to this method: ${method}`)
  const [, authority = 'localhost', target = ''] = /^(?:https?:\/\/([^/?#]*))?([^]*)$/.exec(url)!
  const mark = target.indexOf('?')
  const raw = (mark < 0 ? target : target.slice(0, mark)) || '/'
  const path = canonicalPath(raw, {})
  if (path === '')
    throw new UnusableRequest(`the gateway would answer 400 to this path: ${canonicalPathProblem(raw, {})}`)
  const headers = new HeaderList()
  let host = authority
  for (const field of fields) {
    const colon = field.indexOf(':')
    const name = field.slice(0, Math.max(colon, 0)).trim().toLowerCase()
    const value = field.slice(colon + 1).trim()
    if (!isToken(name) || !isFieldValue(value))
      throw new UnusableRequest(`a header is 'name: value', not ${JSON.stringify(field)}`)
    if (name === 'host') host = value
    headers.push(name, value)
  }
  const normalized = normalizeHost(host)
  if (normalized === null) throw new UnusableRequest(`the gateway would answer 400 to this host: ${host}`)
  const search = mark < 0 ? '' : target.slice(mark)
  return { method, host: normalized, path, search, headers, offsets: new Int32Array(MAX_PARAMETERS * 2) }
}

export interface PluginAccount {
  readonly plugin: string
  readonly order: number
  readonly enabled: boolean
  /** Without what is secret. */
  readonly options: unknown
  /** FILE:LINE:COL of the toggle that decided, and of those that it overruled. */
  readonly from: readonly string[]
}

export interface Account {
  readonly request: { method: string; host: string; path: string; search: string }
  readonly candidates: readonly { route: string; outcome: string; detail: string }[]
  readonly route: string | null
  /** 200 when a route wins, else 404 or 405. */
  readonly verdict: number
  readonly allow: string | null
  readonly parameters: Readonly<Record<string, string>>
  readonly plugins: readonly PluginAccount[]
  readonly rewrite: RouteConfig['rewrite'] | null
  readonly action: string | null
}

/** `file`: how the file is named in what is told. */
export function explainRequest(snapshot: CompiledSnapshot, file: string, request: ExplainedRequest): Account {
  const { router, config } = snapshot
  const index = router.match(request)
  const route = index < 0 ? null : config.routes[index]!
  const parameters: Record<string, string> = {}
  if (index >= 0) {
    for (const [i, name] of router.names(index).entries()) {
      if (name !== '') parameters[name] = request.path.slice(request.offsets[i * 2], request.offsets[i * 2 + 1])
    }
  }
  const candidates = router.explain(request).map(({ route: candidate, outcome, detail }) => ({
    route: config.routes[candidate]!.name,
    outcome,
    detail,
  }))
  return {
    request: { method: request.method, host: request.host, path: request.path, search: request.search },
    candidates,
    route: route?.name ?? null,
    verdict: route !== null ? 200 : index === -2 ? 405 : 404,
    allow: index === -2 ? router.allow(request) : null,
    parameters,
    plugins: route === null ? [] : explainPlugins(snapshot, file, index, request.path),
    rewrite: route?.rewrite ?? null,
    action: route === null ? null : describeAction(route, config),
  }
}

function explainPlugins(snapshot: CompiledSnapshot, file: string, index: number, path: string): PluginAccount[] {
  const { layers, defaults, plugins, config } = snapshot
  const resolved = mergeToggles(layersFor(layers[index]!, path), defaults)
  const orders = config.pluginOrder ?? {}
  const ordered = inOrder(
    resolved.map((toggle) => ({ ...toggle, order: orders[toggle.plugin] ?? plugins.get(toggle.plugin)!.order })),
  )
  return ordered.map(({ plugin, order, enabled, options, origins }) => ({
    plugin,
    order,
    enabled,
    options: concealedOptions(plugins.get(plugin)!.schema, options),
    from: origins.map((origin) => `${origin.where} (${origin.file ?? file}:${origin.line}:${origin.column})`),
  }))
}
