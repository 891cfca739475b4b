// One route, compiled. Snapshots that follow each other share it while nothing that it was made from has changed.
import type { RouteConfig } from '../config/schema.ts'
import type { Toggle } from '../config/toggles.ts'
import type { Route, Split } from '../contract/snapshot.ts'
import type { RequestMetrics } from '../telemetry/request-metrics.ts'
import type { UpstreamStates } from '../upstreams/states.ts'
import { borrowSplit, type LiveUpstream } from '../upstreams/upstream.ts'
import { compileRouteChain, type ChainBorrowing, type PluginRules, type RouteLayers } from './chains.ts'
import { fixedReply } from './fixed-head.ts'
import { borrowing, SharedUnit, type Keep } from './shared-unit.ts'
import { compileLocation, compilePathTemplate, compileStripPrefix } from './template.ts'
import type { UpstreamUnits } from './upstream-units.ts'

export class RouteUnit extends SharedUnit {
  readonly own: readonly Toggle[]
  readonly layers: RouteLayers
  /** Those that the route names. */
  readonly upstreams: readonly LiveUpstream[]
  readonly route: Route

  constructor(parts: Pick<RouteUnit, 'own' | 'layers' | 'upstreams' | 'route'>, releases: readonly (() => void)[]) {
    super(releases)
    this.own = parts.own
    this.layers = parts.layers
    this.upstreams = parts.upstreams
    this.route = parts.route
  }
}

/** What all routes of a snapshot are made from. */
export interface RouteContext {
  readonly rules: PluginRules
  readonly upstreams: UpstreamUnits
  readonly requests: RequestMetrics
  readonly splits: UpstreamStates
  readonly chains: Omit<ChainBorrowing, 'keep'>
}

/** One route in its snapshot. */
export interface RouteParts {
  /** null: the route of requests that match nothing. */
  readonly config: RouteConfig | null
  /** In metrics. */
  readonly label: string
  readonly own: readonly Toggle[]
  readonly layers: RouteLayers
  readonly parameters: readonly string[]
}

/** Throws PluginRefusal, with nothing left behind. */
export function compileRoute(parts: RouteParts, context: RouteContext): RouteUnit {
  const { config, label, own, layers, parameters } = parts
  const { rules, requests, chains } = context
  const upstreams = upstreamsOf(config, context.upstreams)
  return borrowing((keep, releases) => {
    const metrics = requests.acquire(label)
    keep(() => requests.release(label))
    const route: Route = Object.freeze({
      ...(config === null ? NO_ACTION : action(config, parameters, upstreams, context.splits, keep)),
      name: config?.name ?? '',
      metrics,
      pattern: config === null ? '' : (config.match?.path ?? config.match?.pathRegex ?? '/**'),
      parameters,
      ...compileRouteChain(layers, rules, { ...chains, keep }),
    })
    return new RouteUnit({ own, layers, upstreams, route }, releases)
  })
}

const NO_UPSTREAMS: readonly LiveUpstream[] = []

function upstreamsOf(config: RouteConfig | null, units: UpstreamUnits): readonly LiveUpstream[] {
  if (config?.upstream !== undefined) return [units.get(config.upstream)!.upstream]
  return config?.split?.map(({ upstream }) => units.get(upstream)!.upstream) ?? NO_UPSTREAMS
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

/** `upstreams`: in the order in which the route names them. */
function action(
  { name, upstream, split, respond, redirect, rewrite = {} }: RouteConfig,
  parameters: readonly string[],
  upstreams: readonly LiveUpstream[],
  splits: UpstreamStates,
  keep: Keep,
): Action {
  return {
    upstream: upstream === undefined ? null : upstreams[0]!,
    split: split === undefined ? null : compileSplit(name, split, upstreams, splits, keep),
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

function compileSplit(
  route: string,
  shares: NonNullable<RouteConfig['split']>,
  upstreams: readonly LiveUpstream[],
  states: UpstreamStates,
  keep: Keep,
): Split {
  const weights = shares.map(({ weight }) => weight)
  const { split, release } = borrowSplit(JSON.stringify([route, shares]), upstreams, weights, states)
  keep(release)
  return split
}
