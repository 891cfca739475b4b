// The routes of a configuration in the order in which they are tried, in words: for the command line and the admin API.
import { concealedText } from '../config/concealed.ts'
import type { GatewayConfig, RouteConfig } from '../config/schema.ts'
import type { UpstreamConfig } from '../config/upstream-schema.ts'

export interface RouteRow {
  readonly name: string
  /** `*`: any */
  readonly host: string
  /** Empty: any */
  readonly methods: readonly string[]
  /** A pattern, or `~` and an expression */
  readonly path: string
  /** `header NAME`, `query NAME` */
  readonly conditions: readonly string[]
  readonly action: string
}

export function routeRow(config: GatewayConfig, route: RouteConfig): RouteRow {
  const { match = {} } = route
  return {
    name: route.name,
    host: match.host ?? '*',
    methods: match.method === undefined ? [] : [match.method].flat(),
    path: match.pathRegex === undefined ? (match.path ?? '/**') : `~ ${match.pathRegex}`,
    conditions: [
      ...Object.keys(match.headers ?? {}).map((name) => `header ${name}`),
      ...Object.keys(match.query ?? {}).map((name) => `query ${name}`),
    ],
    action: describeAction(route, config),
  }
}

/** What a route does, in a few words. */
export function describeAction(route: RouteConfig, config: GatewayConfig): string {
  if (route.upstream !== undefined) {
    return `upstream ${route.upstream} (${describeEndpoints(config.upstreams?.[route.upstream])})`
  }
  if (route.split !== undefined) {
    return `split ${route.split.map(({ upstream, weight }) => `${upstream} ${weight}`).join(', ')}`
  }
  if (route.redirect !== undefined)
    return `redirect ${route.redirect.status ?? 308} ${concealedText(route.redirect.to)}`
  return `respond ${route.respond?.status ?? 200}`
}

function describeEndpoints({ endpoints = [], discovery }: UpstreamConfig = {}): string {
  if (discovery === undefined) return endpoints.map(({ url }) => url).join(', ')
  return 'dns' in discovery ? `found by DNS: ${discovery.dns.name}` : 'found in etcd'
}
