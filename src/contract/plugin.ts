// What a plugin author imports as `sluice/plugin`. Nothing else of the gateway is public to plugins.
import type { Static, TSchema } from 'typebox'
import type { ErrorKind } from '../base/errors.ts'
import type { BodyStep } from './body-transform.ts'
import type { Host } from './host.ts'
import { NEXT, type Verdict } from './verdict.ts'

export { Type } from 'typebox'
export type { Static, TSchema } from 'typebox'
export { ByteSize, Duration, Rate, Secret } from '../config/units.ts'
export { ERRORS, type ErrorKind } from '../base/errors.ts'
export { BodyRefused, type BodyStep, type BodyTransform } from './body-transform.ts'
export { compileKey, type RequestKey } from './request-key.ts'
export type { Limit, LimitRule, Limits, LimitStore } from './limits.ts'
export type { Counter, Gauge, Host, Labels, LogOutput, PluginLogger, PluginMetrics } from './host.ts'
export { ANSWERED, FAILED, NEXT, type Verdict } from './verdict.ts'

/** What is known of a consumer: the claims of a verified token (RFC 7519 section 4), or what another check says. */
export type Claims = Readonly<Record<string, unknown>>

/** What a log must not show of a request. */
export interface LogMask {
  /** Names in lower case. */
  readonly headers: ReadonlySet<string>
  /** Instead of the value of such a header. */
  readonly replacement: string
  /** A path, query or header value with what is secret in it replaced. */
  text(value: string): string
}

/**
 * The Exchange as a plugin sees it: one request and its reply.
 * Header names are compared without case; values are latin1 strings (RFC 9110 section 5.5), never with CR, LF or NUL.
 */
export interface PluginExchange {
  /** Request method, as sent. */
  readonly method: string
  /** Canonical path: what was matched and what is forwarded (before a rewrite). */
  readonly path: string
  /** The query with its `?`, untouched; '' if there is none. */
  readonly search: string
  /** Host without port and trailing dot, lower case. */
  readonly host: string
  /** 'http' or 'https', as the client used it (a trusted proxy may say so). */
  readonly scheme: string
  /** Address of the client, without port; behind trusted proxies the one that they vouch for. */
  readonly clientIp: string
  /** Name of the matched route; '' when none matched. */
  readonly routeName: string
  /** Name of the chosen upstream; '' before one is chosen and for routes that answer by themselves. */
  readonly upstreamName: string
  /** The request id; made on first use unless the request-id plugin set it. */
  readonly requestId: string
  /** 32 hexadecimal digits: the trace that the request belongs to; '' if it has none. */
  readonly traceId: string
  /** 16 hexadecimal digits: the span of the request; that of the client while the gateway has none; '' for no trace. */
  readonly spanId: string
  /** The gateway records the request in its trace. Requests that fail or are slow may come to it late: for log steps. */
  readonly sampled: boolean
  /** Length of the request body in bytes; 0 without a body, -1 when unknown (chunked). */
  readonly requestBodyLength: number
  /** Status of the reply; 0 until there is one. For log steps 499 if there never was one: the client went away. */
  readonly status: number
  /** Body bytes received from the client so far. */
  readonly bytesIn: number
  /** Body bytes handed to the client's connection so far. */
  readonly bytesOut: number
  /** Milliseconds (monotonic) since the request arrived. */
  readonly elapsed: number
  /** Milliseconds from the arrival until the upstream's reply head; -1 if there was none. */
  readonly upstreamLatency: number
  /** Why the gateway itself failed the request; '' if it did not. One of the codes of docs/errors.md. */
  readonly errorCode: string
  /** Who makes the request, as an authentication plugin has found out; '' while nobody has. */
  readonly consumer: string
  /** What is known of the consumer; null while nobody has found out. */
  readonly claims: Claims | null
  /** For log steps: what a log must not show; null: anything. A log step that knows sets it for those that follow. */
  logMask: LogMask | null
  /** Is this a CORS preflight whose own method has no route? Then only an answer of a plugin helps. */
  readonly preflight: boolean

  /** First value of a request header; '' if absent. */
  header(name: string): string
  /** Is the request header there, possibly empty? */
  hasHeader(name: string): boolean
  /** Request header fields of that name: more than one is ambiguous where only one is expected. */
  headerCount(name: string): number
  /** Every value of a request header, in order; empty if absent. A check must know when a field is there twice. */
  headerValues(name: string): readonly string[]
  /** Replaces every request header of that name. Throws TypeError on a name or value that HTTP forbids. */
  setRequestHeader(name: string, value: string): void
  addRequestHeader(name: string, value: string): void
  removeRequestHeader(name: string): void

  /** First value of a response header as it stands now; '' if absent. */
  responseHeader(name: string): string
  /** Replaces every response header of that name. Before the response phase it applies to whatever reply comes. */
  setResponseHeader(name: string, value: string): void
  addResponseHeader(name: string, value: string): void
  removeResponseHeader(name: string): void

  /** An item of the baggage (W3C) that came with the request, decoded; null if there is none of that name. */
  baggage(name: string): string | null
  /** First value of a cookie; null if there is none of that name. */
  cookie(name: string): string | null
  /** First value of a query parameter, decoded; null if there is none of that name. */
  queryParameter(name: string): string | null
  /** Replaces the query that is forwarded: '' or text that begins with `?`. Throws TypeError on what no query may hold. */
  setSearch(search: string): void
  /** Value of a path parameter; '' if the route has none of that name. */
  param(name: string): string

  /** Answers instead of the upstream. `headers` is a flat list [name, value, ...]. Returns ANSWERED: `return x.respond(...)`. */
  respond(status: number, headers: readonly string[], body: string | Uint8Array): Verdict
  /** Answers with a problem+json of the given kind. Returns FAILED: `return x.deny(ERRORS.ipDenied)`. */
  deny(kind: ErrorKind, detail?: string): Verdict
  /** The request body may have this many bytes; more are answered with 413. The smallest limit set wins. */
  limitBody(bytes: number): void
  /** Says who makes the request. Throws TypeError on a name that no header could carry. */
  authenticate(consumer: string, claims: Claims): void
  /** Gives the request the id of the caller's choice instead of a made one. */
  setRequestId(id: string): void
}

/** A step of the access or request phase: synchronous where it can, a promise only when it must wait. */
export type RequestStep = (x: PluginExchange) => Verdict | Promise<Verdict>
/** A step of the response phase: it may change status-independent head fields; it cannot refuse any more. */
export type ResponseStep = (x: PluginExchange) => void | Promise<void>
/** A step of the log phase: the exchange is over; nothing can be changed. */
export type LogStep = (x: PluginExchange) => void

/** The phases that one configured plugin takes part in. A phase that is absent costs nothing. */
export interface Phases {
  /** May this request pass? First, in plugin order. */
  readonly access?: RequestStep
  /** What is forwarded: after every access step. */
  readonly request?: RequestStep
  /** The head of any reply of the route, also one that the gateway itself makes. */
  readonly response?: ResponseStep
  /** After the last byte, or after the failure. */
  readonly log?: LogStep
  /** What whoever looks at requests that are under way must not see; log steps are told by `x.logMask`. */
  readonly mask?: LogMask
  /** Transforms of bodies while they stream; asked after the head's steps, for bodies to and from an upstream. */
  readonly body?: { readonly request?: BodyStep; readonly response?: BodyStep }
  /**
   * Called once before the first request, when the options are sure to be used. A configuration whose plugin rejects, or takes
   * longer than 10 s, does not take effect. `signal` is that of the Host.
   */
  readonly start?: (signal: AbortSignal) => void | Promise<void>
  /** Called once when no snapshot uses this instance any more, and awaited for 5 s. */
  readonly stop?: () => void | Promise<void>
}

/** A plugin as the gateway sees it, whatever its author wrote. */
export interface Plugin {
  /** Kebab-case; the key in YAML. */
  readonly name: string
  /** One line for documentation and `explain`. */
  readonly summary: string
  readonly schema: TSchema
  /** Position in every phase: lower runs first; equal orders run by name. */
  readonly order: number
  /** Of the file that it was loaded from; '' for those that come with the gateway. */
  readonly revision: string
  compile(options: unknown, host: Host): Phases
}

interface Common<S extends TSchema> {
  name: string
  summary?: string
  schema: S
  order?: number
}

/** A plugin of one phase: compile returns the step itself. */
export interface SinglePhase<S extends TSchema> extends Common<S> {
  phase: 'access' | 'request'
  compile(options: Static<S>, host: Host): RequestStep
}

/** A plugin of several phases: compile returns a record of steps. */
export interface MultiPhase<S extends TSchema> extends Common<S> {
  phase?: undefined
  compile(options: Static<S>, host: Host): Phases
}

/** Order of plugins that say nothing about it: after the built-in checks, before header changes. */
export const DEFAULT_ORDER = 500

/**
 * Defines a plugin. `compile` runs once per distinct options; what it returns runs for every request.
 * Throws TypeError when the definition itself is unusable.
 */
export function definePlugin<S extends TSchema>(definition: SinglePhase<S> | MultiPhase<S>): Plugin {
  if (!/^[a-z][a-z0-9-]*$/.test(definition.name)) {
    throw new TypeError(`plugin name "${definition.name}" must be kebab-case: a-z, 0-9 and "-", starting with a letter`)
  }
  if (definition.phase !== undefined && definition.phase !== 'access' && definition.phase !== 'request') {
    throw new TypeError(
      `plugin "${definition.name}": phase must be "access" or "request", or absent with a record of steps`,
    )
  }
  return Object.freeze({
    name: definition.name,
    summary: definition.summary ?? '',
    schema: definition.schema,
    order: definition.order ?? DEFAULT_ORDER,
    revision: '',
    compile(options: unknown, host: Host): Phases {
      if (definition.phase === undefined) return definition.compile(options as Static<S>, host)
      return { [definition.phase]: definition.compile(options as Static<S>, host) }
    },
  })
}

/** For plugins that only observe: a step that lets everything pass. */
export const pass: RequestStep = () => NEXT
