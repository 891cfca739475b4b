// Valid configuration -> frozen Snapshot. Live state is borrowed by identity and given back when the snapshot is
// released; when anything fails, all that was taken is given back and nothing has changed.
import { parsePathPattern, type PathPattern } from '../base/path-pattern.ts'
import type { ValidConfig } from '../config/load.ts'
import type { RouteConfig } from '../config/schema.ts'
import type { UpstreamConfig } from '../config/upstream-schema.ts'
import type { Plugin } from '../contract/plugin.ts'
import type { FixedReply, Route, Snapshot, Split } from '../contract/snapshot.ts'
import type { Fallback } from '../contract/upstream.ts'
import { compileRouter, type Router } from '../router/router.ts'
import { UNMATCHED, type RequestMetrics } from '../telemetry/request-metrics.ts'
import type { RouteMetrics } from '../telemetry/route-metrics.ts'
import type { TraceExports } from '../telemetry/trace-exports.ts'
import type { UpstreamStates } from '../upstreams/states.ts'
import { borrowSplit, borrowUpstream, type LiveUpstream } from '../upstreams/upstream.ts'
import { FixedHead } from './fixed-head.ts'
import { compileRouteChain, routeLayers, type PluginStates, type RouteLayers } from './chains.ts'
import { compileLocation, compilePathTemplate, compileStripPrefix } from './template.ts'
import { borrowTracing } from './tracing.ts'
import { compileTrustedProxies } from './trusted-proxies.ts'

export interface LiveState {
  readonly requests: RequestMetrics
  readonly upstreams: UpstreamStates
  readonly plugins: PluginStates
  readonly traces: TraceExports
}

/** A snapshot with what only `explain` and the admin API ask for. */
export interface CompiledSnapshot extends Snapshot {
  readonly router: Router
  readonly config: ValidConfig['config']
  readonly upstreams: ReadonlyMap<string, LiveUpstream>
  /** Toggle layers by route index. */
  readonly layers: readonly RouteLayers[]
  /** The plugins that the configuration could use, by name. */
  readonly plugins: ReadonlyMap<string, Plugin>
  /** Options of a plugin that is only switched on. */
  readonly defaults: ValidConfig['defaults']
}

/** Throws PluginRefusal when a plugin does not take its options; everything else was validated before. */
export function compileSnapshot(valid: ValidConfig, version: number, live: LiveState): CompiledSnapshot {
  const releases: (() => void)[] = []
  const keep = (release: () => void): void => void releases.push(release)
  const release = (): void => {
    for (const give of releases.splice(0)) give()
  }
  try {
    const { config, toggles, defaults } = valid
    const rules = { defaults, orders: config.pluginOrder ?? {} }
    const upstreams = borrowUpstreams(config, live.upstreams, keep)
    const router = compileRouter(config.routes.map(({ name, match = {}, priority = 0 }) => ({ name, match, priority })))
    const layers = config.routes.map((route, i) => routeLayers(toggles, routePattern(route), toggles.routes[i]!))
    const routes = config.routes.map((route, i) =>
      Object.freeze({
        ...action(route, router.names(i), upstreams, live, keep),
        name: route.name,
        metrics: borrowMetrics(route.name, live, keep),
        pattern: route.match?.path ?? route.match?.pathRegex ?? '/**',
        parameters: router.names(i),
        ...compileRouteChain(layers[i]!, rules, live.plugins, keep),
      }),
    )
    const everything = parsePathPattern('/**') as PathPattern
    const unmatched: Route = Object.freeze({
      ...NO_ACTION,
      name: '',
      metrics: borrowMetrics(UNMATCHED, live, keep),
      pattern: '',
      parameters: [],
      ...compileRouteChain(routeLayers(toggles, everything, []), rules, live.plugins, keep),
    })
    const trustedProxies = compileTrustedProxies(config.trustedProxies ?? [])
    return {
      version,
      router,
      routes: Object.freeze(routes),
      unmatched,
      trustedProxies,
      tracing: borrowTracing(config.observability?.traces, trustedProxies, live.traces, keep),
      config,
      upstreams,
      layers,
      plugins: live.plugins.available,
      defaults,
      pins: 0,
      retired: false,
      release,
    }
  } catch (error) {
    release()
    throw error
  }
}

function borrowMetrics(route: string, { requests }: LiveState, keep: (release: () => void) => void): RouteMetrics {
  const metrics = requests.acquire(route)
  keep(() => requests.release(route))
  return metrics
}

function borrowUpstreams(
  { upstreams = {}, zone = '', region = '' }: ValidConfig['config'],
  states: UpstreamStates,
  keep: (release: () => void) => void,
): Map<string, LiveUpstream> {
  const borrowed = new Map<string, LiveUpstream>()
  for (const [name, config] of Object.entries(upstreams)) {
    const { upstream, release } = borrowUpstream(name, config, { zone, region }, states)
    keep(release)
    borrowed.set(name, upstream)
  }
  for (const [name, { fallback }] of Object.entries(upstreams))
    if (fallback !== undefined) borrowed.get(name)!.fallback = compileFallback(fallback, borrowed)
  return borrowed
}

function compileFallback(
  fallback: NonNullable<UpstreamConfig['fallback']>,
  upstreams: ReadonlyMap<string, LiveUpstream>,
): Fallback {
  if ('upstream' in fallback) return { upstream: upstreams.get(fallback.upstream)!, respond: null }
  return { upstream: null, respond: fixedReply({ status: 503, ...fallback.respond }) }
}

/** null for a route by pathRegex. */
function routePattern({ match = {} }: RouteConfig): PathPattern | null {
  if (match.pathRegex !== undefined) return null
  return parsePathPattern(match.path ?? '/**') as PathPattern
}

type Action = Pick<Route, 'upstream' | 'split' | 'respond' | 'redirect' | 'rewritePath' | 'rewriteHost'>

const NO_ACTION: Action = {
  upstream: null,
  split: null,
  respond: null,
  redirect: null,
  rewritePath: null,
  rewriteHost: '',
}

function action(
  route: RouteConfig,
  parameters: readonly string[],
  upstreams: ReadonlyMap<string, LiveUpstream>,
  live: LiveState,
  keep: (release: () => void) => void,
): Action {
  const { rewrite = {}, redirect, respond } = route
  return {
    upstream: route.upstream === undefined ? null : upstreams.get(route.upstream)!,
    split: route.split === undefined ? null : split(route.name, route.split, upstreams, live, keep),
    respond: respond === undefined ? null : fixedReply(respond),
    redirect:
      redirect === undefined
        ? null
        : { status: redirect.status ?? 308, location: compileLocation(redirect.to, parameters) },
    rewritePath:
      rewrite.path !== undefined
        ? compilePathTemplate(rewrite.path, parameters)
        : rewrite.stripPrefix !== undefined
          ? compileStripPrefix(rewrite.stripPrefix)
          : null,
    rewriteHost: rewrite.host ?? '',
  }
}

function split(
  route: string,
  shares: NonNullable<RouteConfig['split']>,
  upstreams: ReadonlyMap<string, LiveUpstream>,
  live: LiveState,
  keep: (release: () => void) => void,
): Split {
  const weights = shares.map(({ weight }) => weight)
  const borrowed = borrowSplit(
    JSON.stringify([route, shares]),
    shares.map(({ upstream }) => upstreams.get(upstream)!),
    weights,
    live.upstreams,
  )
  keep(borrowed.release)
  return borrowed.split
}

function fixedReply({ status = 200, body = '', headers = {} }: NonNullable<RouteConfig['respond']>): FixedReply {
  const flat = Object.entries(headers).flatMap(([name, value]) => [name.toLowerCase(), value])
  return Object.freeze({ status, head: new FixedHead(status, flat), body: Buffer.from(body) })
}
