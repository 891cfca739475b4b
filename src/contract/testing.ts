// What a plugin author imports as `sluice/testing`: one plugin, tried on requests without a gateway around it.
import { Exchange } from './exchange.ts'
import type { ListenerContext, Road } from './road.ts'
import type { Host } from './host.ts'
import type { Phases, Plugin, PluginExchange } from './plugin.ts'
import { ANSWERED, FAILED, NEXT, type Verdict } from './verdict.ts'

export interface TriedRequest {
  readonly method?: string
  /** With its query. */
  readonly target?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly clientIp?: string
  readonly consumer?: string
  readonly claims?: Readonly<Record<string, unknown>>
}

export interface Tried {
  /** next: the request goes on to the upstream; answered: the plugin has replied; failed: it has refused. */
  readonly outcome: 'next' | 'answered' | 'failed'
  /** Of the plugin's answer or refusal; 0 if the request goes on. */
  readonly status: number
  /** SLUICE_… of a refusal, else ''. */
  readonly code: string
  readonly body: string
  /** What the upstream would get; '' if absent. */
  requestHeader(name: string): string
  /** What the plugin makes of the reply's head so far; '' if absent. */
  responseHeader(name: string): string
  readonly exchange: PluginExchange
}

export interface TriedPlugin {
  /** Runs the access and request steps. Rejects with what a step throws. */
  request(request?: TriedRequest): Promise<Tried>
  stop(): Promise<void>
}

/** Compiles and starts a plugin with options as the gateway would after reading them: units are numbers. */
export async function tryPlugin(plugin: Plugin, options: unknown): Promise<TriedPlugin> {
  const { host, abort, close } = standInHost()
  const phases = plugin.compile(options, host)
  await phases.start?.(host.signal)
  return {
    request: (request = {}) => run(phases, request),
    async stop() {
      abort()
      await phases.stop?.()
      await close()
    },
  }
}

async function run(phases: Phases, request: TriedRequest): Promise<Tried> {
  const x = exchangeOf(request)
  let verdict: Verdict = NEXT
  for (const step of [phases.access, phases.request]) {
    if (step !== undefined && verdict === NEXT) verdict = await step(x)
  }
  const { failure } = x
  if (failure !== null) x.status = failure.kind.status
  const body = x.localBody
  return {
    outcome: verdict === ANSWERED ? 'answered' : verdict === FAILED ? 'failed' : 'next',
    status: x.status,
    code: x.errorCode,
    body: body === null ? '' : typeof body === 'string' ? body : Buffer.from(body).toString(),
    requestHeader: (name) => x.header(name),
    responseHeader(name) {
      x.applyEdits()
      return x.responseHeader(name)
    },
    exchange: x,
  }
}

function exchangeOf({
  method = 'GET',
  target = '/',
  headers = {},
  clientIp = '192.0.2.1',
  consumer,
  claims,
}: TriedRequest): Exchange {
  const x = new Exchange({} as Road, {} as ListenerContext)
  const question = target.indexOf('?')
  x.method = method
  x.target = target
  x.path = question < 0 ? target : target.slice(0, question)
  x.search = question < 0 ? '' : target.slice(question)
  x.host = 'example.com'
  x.clientIp = clientIp
  x.peerIp = clientIp
  for (const [name, value] of Object.entries(headers)) x.addRequestHeader(name, value)
  if (consumer !== undefined) x.authenticate(consumer, claims ?? {})
  return x
}

export interface StandIn {
  readonly host: Host
  /** Aborts the signal. */
  readonly abort: () => void
  /** Gives back what was taken. */
  readonly close: () => Promise<void>
}

/** A Host without a gateway: it logs and counts nothing, and has neither limits nor auth. */
export function standInHost(): StandIn {
  const controller = new AbortController()
  const log = { debug() {}, info() {}, warn() {}, error() {} }
  const shared = new Map<string, unknown>()
  const closing: (() => unknown)[] = []
  const taken = (timer: NodeJS.Timeout): void => {
    timer.unref()
    closing.push(() => clearTimeout(timer))
  }
  return {
    host: {
      log,
      metrics: { counter: () => ({ add() {} }), gauge: () => ({ set() {} }), collect() {} },
      openLog: () => ({ fields: {}, write() {}, sample: (_level, share = 1) => share, close: async () => {} }),
      place: 'plugins',
      limits: { open: () => onlyInGateway('limits') },
      auth: { verifier: () => onlyInGateway('auth') },
      signal: controller.signal,
      every: (ms, task) => taken(setInterval(task, ms)),
      after: (ms, task) => taken(setTimeout(task, ms)),
      shared<T>(key: string, create: () => T): T {
        if (!shared.has(key)) shared.set(key, create())
        return shared.get(key) as T
      },
      own(_what, thing, close) {
        closing.push(() => close(thing))
        return thing
      },
    },
    abort: () => controller.abort(),
    async close() {
      for (const close of closing.splice(0)) await close()
    },
  }
}

function onlyInGateway(what: string): never {
  throw new Error(`${what} of the Host is there in a gateway only`)
}
