import { canonicalPath, canonicalPathProblem } from '../base/canonical-path.ts'
import { HeaderList } from '../base/headers.ts'
import { normalizeHost } from '../base/host.ts'
import { inOrder } from '../chain/compile.ts'
import { layersFor, type RouteLayers } from '../compile/chains.ts'
import { mergeToggles, type ResolvedToggle } from '../config/toggles.ts'
import type { RouteConfig } from '../config/schema.ts'
import { MAX_PARAMETERS } from '../base/path-pattern.ts'
import { readArguments, UsageError, type Command } from './command.ts'
import { loadConfiguration, type LoadedConfiguration } from './configuration.ts'
import { describeAction } from './routes.ts'

export const explain: Command = {
  name: 'explain',
  usage: "explain --config FILE METHOD URL [-H 'name: value']... [--json]",
  summary: 'say what a request would meet, and why',
  help:
    'Prints every candidate route and why it lost, the winner with its parameters, its plugins in order with where\n' +
    'each toggle was written, and what happens then. URL may be a path. Exits 1 when no route wins.',
  async run(argv) {
    const { values, positionals } = readArguments(argv, {
      config: { type: 'string', short: 'c' },
      header: { type: 'string', short: 'H', multiple: true },
      json: { type: 'boolean' },
    })
    const [method, url, extra] = positionals
    if (values.config === undefined) throw new UsageError('--config FILE is needed')
    if (method === undefined || url === undefined || extra !== undefined)
      throw new UsageError('METHOD and URL are needed')
    const request = readRequest(method, url, values.header ?? [])
    const loaded = await loadConfiguration(values.config)
    if (loaded === null) return 1
    const account = explainRequest(loaded, request)
    process.stdout.write(values.json === true ? JSON.stringify(account, null, 2) + '\n' : render(account))
    loaded.snapshot.release()
    return account.route === null ? 1 : 0
  },
}

interface Request {
  readonly method: string
  readonly host: string
  readonly path: string
  readonly search: string
  readonly headers: HeaderList
  readonly offsets: Int32Array
}

function readRequest(method: string, url: string, fields: readonly string[]): Request {
  const [, authority = 'localhost', target = ''] = /^(?:https?:\/\/([^/?#]*))?(.*)$/.exec(url)!
  const mark = target.indexOf('?')
  const raw = (mark < 0 ? target : target.slice(0, mark)) || '/'
  const path = canonicalPath(raw, {})
  if (path === '') throw new UsageError(`the gateway would answer 400 to this path: ${canonicalPathProblem(raw, {})}`)
  const headers = new HeaderList()
  let host = authority
  for (const field of fields) {
    const colon = field.indexOf(':')
    if (colon <= 0) throw new UsageError(`-H takes 'name: value', not ${JSON.stringify(field)}`)
    const name = field.slice(0, colon).trim().toLowerCase()
    const value = field.slice(colon + 1).trim()
    if (name === 'host') host = value
    headers.push(name, value)
  }
  const normalized = normalizeHost(host)
  if (normalized === null) throw new UsageError(`the gateway would answer 400 to this host: ${host}`)
  const search = mark < 0 ? '' : target.slice(mark)
  return { method, host: normalized, path, search, headers, offsets: new Int32Array(MAX_PARAMETERS * 2) }
}

interface PluginAccount {
  readonly plugin: string
  readonly order: number
  readonly enabled: boolean
  readonly options: unknown
  /** FILE:LINE:COL of the toggle that decided, and of those that it overruled. */
  readonly from: readonly string[]
}

interface Account {
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

function explainRequest({ validated, snapshot }: LoadedConfiguration, request: Request): Account {
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
    plugins: route === null ? [] : explainPlugins(validated, snapshot.layers[index]!, request.path),
    rewrite: route?.rewrite ?? null,
    action: route === null ? null : describeAction(route, config),
  }
}

function explainPlugins(
  { valid, plugins, file }: LoadedConfiguration['validated'],
  layers: RouteLayers,
  path: string,
): PluginAccount[] {
  const resolved = mergeToggles(layersFor(layers, path), valid.defaults)
  const orders = valid.config.pluginOrder ?? {}
  const ordered = inOrder(
    resolved.map((toggle) => ({ ...toggle, order: orders[toggle.plugin] ?? plugins.get(toggle.plugin)!.order })),
  )
  return ordered.map((toggle: ResolvedToggle & { readonly order: number }) => ({
    plugin: toggle.plugin,
    order: toggle.order,
    enabled: toggle.enabled,
    options: toggle.options,
    from: toggle.origins.map(({ where, line, column }) => `${where} (${file}:${line}:${column})`),
  }))
}

function render(account: Account): string {
  const { request } = account
  const lines = [
    `${request.method} ${request.path}${request.search}  host ${request.host}`,
    '',
    'Candidates, best first:',
  ]
  if (account.candidates.length === 0) lines.push('  none')
  for (const { route, outcome, detail } of account.candidates) {
    lines.push(`  ${outcome === 'won' ? '->' : '  '} ${route}: ${outcome}${detail === '' ? '' : `, ${detail}`}`)
  }
  if (account.route === null) {
    const allow = account.allow === null ? '' : ` (Allow: ${account.allow})`
    lines.push('', `No route: ${account.verdict}${allow}`)
    return lines.join('\n') + '\n'
  }
  lines.push('', `Route: ${account.route}`)
  for (const [name, value] of Object.entries(account.parameters)) lines.push(`  {${name}} = ${value}`)
  lines.push('', 'Plugins, in order:')
  if (account.plugins.length === 0) lines.push('  none')
  for (const { plugin, enabled, options, from } of account.plugins) {
    lines.push(`  ${enabled ? 'on ' : 'off'} ${plugin} ${enabled ? JSON.stringify(options) : ''}`.trimEnd())
    for (const [i, origin] of from.entries()) lines.push(`        ${i === 0 ? 'from' : 'over'} ${origin}`)
  }
  if (account.rewrite !== null) lines.push('', `Rewrite: ${JSON.stringify(account.rewrite)}`)
  lines.push('', `Then: ${account.action}`)
  return lines.join('\n') + '\n'
}
