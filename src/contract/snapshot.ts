// The frozen, compiled form of one valid configuration.
import type { RouteMetrics } from '../telemetry/route-metrics.ts'
import type { BodyStep } from './body-transform.ts'
import type { Matchable } from './match.ts'
import type { LogMask, LogStep, RequestStep, ResponseStep } from './plugin.ts'
import type { ResponseHead } from './response-head.ts'
import type { Tracing } from './trace.ts'
import type { Upstream } from './upstream.ts'
import type { Exchange } from './exchange.ts'

/** One plugin's step in one phase, with its name for logs and errors. */
export interface Step<Run> {
  readonly plugin: string
  readonly run: Run
  readonly timing: StepTiming
}

/** Time that steps took, of one call in a few dozen. Promises count until they are returned, not until they settle. */
export interface StepTiming {
  calls: number
  /** ms */
  total: number
}

/** The plugins of a route, by phase, in order. null: nobody takes part, and nothing is spent on it. */
export interface Chain {
  readonly access: readonly Step<RequestStep>[] | null
  readonly request: readonly Step<RequestStep>[] | null
  readonly response: readonly Step<ResponseStep>[] | null
  readonly log: readonly Step<LogStep>[] | null
  /** What must not be shown of its requests; null: anything. */
  readonly mask: LogMask | null
  readonly requestBody: readonly Step<BodyStep>[] | null
  readonly responseBody: readonly Step<BodyStep>[] | null
}

/** Chooses the chain of a route whose toggles depend on the path of the request. */
export interface ChainPicker {
  pick(path: string): Chain
}

/** Shares requests among upstreams. */
export interface Split {
  pick(): Upstream
}

/** What the gateway answers by itself. Header values are checked at compile time. */
export interface FixedReply {
  readonly status: number
  readonly head: ResponseHead
  readonly body: Uint8Array
}

/** Builds the path, with query, that the upstream gets. */
export type PathRewrite = (x: Exchange) => string
/** Builds the Location of a redirect. */
export type LocationBuilder = (x: Exchange) => string

export interface Route {
  readonly name: string
  /** What is counted of its requests; outlives the snapshot. */
  readonly metrics: RouteMetrics
  /** The path pattern, or expression, that its paths match; '' for requests that match nothing. */
  readonly pattern: string
  /** Names of the parameters, as `Matchable.offsets` has them. */
  readonly parameters: readonly string[]
  readonly chain: Chain
  /** Present when path toggles touch only some of the paths of this route. */
  readonly picker: ChainPicker | null
  // Exactly one of the next four is present, but for the route of requests that match nothing, which has none.
  readonly upstream: Upstream | null
  readonly split: Split | null
  readonly respond: FixedReply | null
  readonly redirect: { readonly status: number; readonly location: LocationBuilder } | null
  readonly rewritePath: PathRewrite | null
  /** Host for the upstream; '' keeps the client's. */
  readonly rewriteHost: string
}

/** The part of the router that the road uses. */
export interface RouteMatcher {
  /** Route index, NOT_FOUND or METHOD_NOT_ALLOWED; parameter offsets are written into `x.offsets`. */
  match(x: Matchable, method?: string): number
  /** Value of Allow for a path that has the route, but not the method. */
  allow(x: Matchable): string
}

/** Whose word about the client is believed. */
export interface TrustedProxies {
  /** Is this address of a peer one of ours? */
  trusts(ip: string): boolean
}

export interface Snapshot {
  readonly version: number
  readonly router: RouteMatcher
  readonly routes: readonly Route[]
  /** Plugins of requests that match no route. */
  readonly unmatched: Route
  /** null: nobody is trusted. */
  readonly trustedProxies: TrustedProxies | null
  /** null: requests are not traced. */
  readonly tracing: Tracing | null
  /** Exchanges that pin this snapshot. */
  pins: number
  /** No longer current; released when `pins` falls to 0. */
  retired: boolean
  /** Gives back the live state that the snapshot borrowed. Called once. */
  release(): void
}
