// Valid configuration -> frozen Snapshot. Live state is borrowed by identity and given back when the snapshot is
// released; when anything fails, all that was taken is given back and nothing has changed.
import type { LiveStates } from '../base/live-states.ts'
import { parsePathPattern, type PathPattern } from '../base/path-pattern.ts'
import type { ValidConfig } from '../config/load.ts'
import type { RouteConfig } from '../config/schema.ts'
import type { FixedReply, Route, Snapshot, Split, Upstream } from '../contract/snapshot.ts'
import { compileRouter, type Router } from '../router/router.ts'
import type { RoundRobin } from '../upstreams/balance/round-robin.ts'
import { borrowSplit, borrowUpstream, type UpstreamStates } from '../upstreams/upstream.ts'
import { FixedHead } from './fixed-head.ts'
import { compileRouteChain, routeLayers, type PluginStates, type RouteLayers } from './chains.ts'
import { compileLocation, compilePathTemplate, compileStripPrefix } from './template.ts'
import { compileTrustedProxies } from './trusted-proxies.ts'

export interface LiveState {
  readonly upstreams: UpstreamStates
  readonly plugins: PluginStates
  readonly splits: LiveStates<RoundRobin>
}

/** A snapshot with what only `explain` and the admin API ask for. */
export interface CompiledSnapshot extends Snapshot {
  readonly router: Router
  readonly config: ValidConfig['config']
  /** Toggle layers by route index. */
  readonly layers: readonly RouteLayers[]
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
    const upstreams = new Map<string, Upstream>()
    for (const [name, upstreamConfig] of Object.entries(config.upstreams ?? {})) {
      const borrowed = borrowUpstream(name, upstreamConfig, live.upstreams)
      keep(borrowed.release)
      upstreams.set(name, borrowed.upstream)
    }
    const router = compileRouter(config.routes.map(({ name, match = {}, priority = 0 }) => ({ name, match, priority })))
    const layers = config.routes.map((route, i) => routeLayers(toggles, routePattern(route), toggles.routes[i]!))
    const routes = config.routes.map((route, i) =>
      Object.freeze({
        ...action(route, router.names(i), upstreams, live, keep),
        name: route.name,
        parameters: router.names(i),
        ...compileRouteChain(layers[i]!, rules, live.plugins, keep),
      }),
    )
    const everything = parsePathPattern('/**') as PathPattern
    const unmatched: Route = Object.freeze({
      ...NO_ACTION,
      name: '',
      parameters: [],
      ...compileRouteChain(routeLayers(toggles, everything, []), rules, live.plugins, keep),
    })
    return {
      version,
      router,
      routes: Object.freeze(routes),
      unmatched,
      trustedProxies: compileTrustedProxies(config.trustedProxies ?? []),
      config,
      layers,
      pins: 0,
      retired: false,
      release,
    }
  } catch (error) {
    release()
    throw error
  }
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
  upstreams: ReadonlyMap<string, Upstream>,
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
  upstreams: ReadonlyMap<string, Upstream>,
  live: LiveState,
  keep: (release: () => void) => void,
): Split {
  const weights = shares.map(({ weight }) => weight)
  const borrowed = borrowSplit(
    JSON.stringify([route, shares]),
    shares.map(({ upstream }) => upstreams.get(upstream)!),
    weights,
    live.splits,
  )
  keep(borrowed.release)
  return borrowed.split
}

function fixedReply({ status = 200, body = '', headers = {} }: NonNullable<RouteConfig['respond']>): FixedReply {
  const flat = Object.entries(headers).flatMap(([name, value]) => [name.toLowerCase(), value])
  return Object.freeze({ status, head: new FixedHead(status, flat), body: Buffer.from(body) })
}
