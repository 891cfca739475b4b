// How many requests somebody may make: several limits at once, in this process or shared by all gateways through Redis.
import {
  definePlugin,
  compileKey,
  Duration,
  ERRORS,
  NEXT,
  Rate,
  Type,
  type Limit,
  type LimitRule,
  type PluginExchange,
  type RequestKey,
  type Static,
  type Verdict,
} from '../../src/contract/plugin.ts'

/** ms; a plugin may wait ten seconds in all. */
const LONGEST_WAIT = 9000
/** Times that one request asks a store that cannot decide yet. */
const MOST_ROUNDS = 4

// Without `default`: it would be filled in beside `limits`, where none of these may stand.
const algorithm = Type.Union(
  [
    Type.Literal('token-bucket'),
    Type.Literal('leaky-bucket'),
    Type.Literal('sliding-window'),
    Type.Literal('fixed-window'),
  ],
  { description: 'How is counted; token-bucket unless it is said' },
)
const fields = {
  algorithm: Type.Optional(algorithm),
  rate: Type.Optional(Rate({ description: 'Of the buckets: requests per time' })),
  burst: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      description: 'Of the buckets: requests that may come at once after a pause; by default those of one second',
    }),
  ),
  maxWait: Type.Optional(
    Duration({
      description: 'Of the leaky bucket: how long a request is held back before it is refused; 1s unless it is said',
    }),
  ),
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 60_000_000, description: 'Of the windows: requests per window' }),
  ),
  window: Type.Optional(Duration({ description: 'Of the windows: their length' })),
  key: Type.Optional(
    Type.Union([Type.String(), Type.Array(Type.String(), { minItems: 1 })], {
      description:
        'Whose requests are counted together: client-ip (IPv6 by /64), consumer, route, header:NAME, claim:NAME, or a list; client-ip unless it is said',
    }),
  ),
}

const schema = Type.Object(
  {
    ...fields,
    limits: Type.Optional(
      Type.Array(Type.Object(fields, { additionalProperties: false }), {
        minItems: 1,
        description: 'Several limits, all of which must admit a request; instead of the options above',
      }),
    ),
    name: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'Limits of one name share their counts; by default the place where the options are written',
      }),
    ),
    redis: Type.Optional(
      Type.String({ pattern: '^rediss?://', description: 'Counts are shared by all gateways with this Redis' }),
    ),
    onError: Type.Optional(
      Type.Union([Type.Literal('open'), Type.Literal('closed')], {
        description: 'While Redis is away: open admits everything, closed answers 503',
        default: 'open',
      }),
    ),
    maxKeys: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 100_000_000,
        description: 'Most keys that this process counts for',
        default: 1_000_000,
      }),
    ),
    headers: Type.Optional(
      Type.Boolean({ description: 'Replies say what is left: RateLimit and RateLimit-Policy', default: true }),
    ),
  },
  { additionalProperties: false },
)

type Options = Static<typeof schema>
type LimitOptions = NonNullable<Options['limits']>[number]

/** One limit with whatever is the same for every request. */
interface Rule {
  readonly limit: Limit
  readonly key: RequestKey
  /** Of RateLimit-Policy and RateLimit. */
  readonly policy: string
  readonly start: string
}

export default definePlugin({
  name: 'rate-limit',
  summary: 'Admits so many requests per time, by address, consumer, header or claim',
  order: 355,
  schema,
  compile(options, host) {
    const { limits, name = host.place, redis = '', onError = 'open', maxKeys = 1_000_000, headers = true } = options
    if (limits !== undefined && Object.keys(fields).some((field) => field in options)) {
      throw new TypeError('limits: stands instead of algorithm, rate, limit, key and the like, not beside them')
    }
    const rules = (limits ?? [options]).map((each, i): Rule => {
      const { rule, key, quota } = compileLimit(each)
      const label = `${i + 1}`
      const store = { name: `${name}#${label}`, maxKeys, redis }
      const limit = host.own(`limit ${label}`, host.limits.open(rule, store), (opened) => opened.close())
      const labels = { limit: store.name }
      host.metrics.gauge('bound', 'Requests that this gateway may admit beyond a shared limit', labels).set(limit.bound)
      host.metrics.collect('hot_keys', 'Refusals of the keys that are refused most, of late', () =>
        limit.hottest().map((hot) => ({ labels: { ...labels, key: key.shown(hot.key) }, value: hot.refused })),
      )
      return { limit, key, policy: `"${label}";q=${quota.amount};w=${quota.seconds}`, start: `"${label}";r=` }
    })
    const decided = (decision: string) =>
      host.metrics.counter('decisions_total', 'Requests by what the limits said', { name, decision })
    const gate = new Gate(rules, headers, onError === 'closed', {
      admitted: decided('admitted'),
      refused: decided('refused'),
      unavailable: decided('unavailable'),
    })
    return {
      start: async () => void (await Promise.all(rules.map(({ limit }) => limit.start()))),
      access: (x) => gate.decide(x, MOST_ROUNDS),
    }
  },
})

interface Counts {
  readonly admitted: { add(): void }
  readonly refused: { add(): void }
  readonly unavailable: { add(): void }
}

class Gate {
  readonly #rules: readonly Rule[]
  readonly #headers: boolean
  readonly #closed: boolean
  readonly #counts: Counts
  readonly #policies: string
  readonly #keys: string[]

  constructor(rules: readonly Rule[], headers: boolean, closed: boolean, counts: Counts) {
    this.#rules = rules
    this.#headers = headers
    this.#closed = closed
    this.#counts = counts
    this.#policies = rules.map(({ policy }) => policy).join(', ')
    this.#keys = rules.map(() => '')
  }

  /** Nothing is counted unless every limit admits the request: looking and counting are one step, as nothing comes between. */
  decide(x: PluginExchange, rounds: number): Verdict | Promise<Verdict> {
    const rules = this.#rules
    for (let i = 0; i < rules.length; i++) {
      const { limit, key } = rules[i]!
      const text = (this.#keys[i] = key.of(x))
      if (limit.take(text, rules.length > 1)) continue
      if (limit.undecided !== null && rounds > 1) return this.#again(x, limit.undecided, rounds)
      if (limit.unavailable) return this.#unavailable(x)
      // Also when so many ask for this key that it is still undecided after all rounds.
      return this.#refuse(x, rules[i]!)
    }
    let delay = 0
    for (let i = 0; i < rules.length; i++) {
      const { limit } = rules[i]!
      if (rules.length > 1) limit.take(this.#keys[i]!, false)
      if (limit.delay > delay) delay = limit.delay
    }
    this.#counts.admitted.add()
    if (this.#headers) this.#tell(x)
    return delay > 0 ? later(delay) : NEXT
  }

  async #again(x: PluginExchange, undecided: Promise<void>, rounds: number): Promise<Verdict> {
    await undecided
    return this.decide(x, rounds - 1)
  }

  #unavailable(x: PluginExchange): Verdict {
    this.#counts.unavailable.add()
    return this.#closed ? x.deny(ERRORS.limitUnavailable) : NEXT
  }

  #refuse(x: PluginExchange, { limit }: Rule): Verdict {
    this.#counts.refused.add()
    x.setResponseHeader('retry-after', String(Math.max(1, Math.ceil(limit.retryAfter / 1000))))
    if (this.#headers) this.#tell(x)
    return x.deny(ERRORS.rateLimited)
  }

  /** The limit with the least left (draft-ietf-httpapi-ratelimit-headers-10). */
  #tell(x: PluginExchange): void {
    let tightest = this.#rules[0]!
    for (let i = 1; i < this.#rules.length; i++) {
      if (this.#rules[i]!.limit.remaining < tightest.limit.remaining) tightest = this.#rules[i]!
    }
    const { limit, start } = tightest
    x.setResponseHeader('ratelimit-policy', this.#policies)
    x.setResponseHeader('ratelimit', start + limit.remaining + ';t=' + Math.ceil(limit.resetAfter / 1000))
  }
}

function later(ms: number): Promise<Verdict> {
  return new Promise((resolve) => setTimeout(resolve, ms, NEXT))
}

interface Compiled {
  readonly rule: LimitRule
  readonly key: RequestKey
  readonly quota: { readonly amount: number; readonly seconds: number }
}

function compileLimit({
  algorithm: how = 'token-bucket',
  rate,
  burst,
  maxWait,
  limit,
  window,
  key = 'client-ip',
}: LimitOptions): Compiled {
  const compiled = compileKey(key)
  const leaky = how === 'leaky-bucket'
  if (how === 'token-bucket' || leaky) {
    if (limit !== undefined || window !== undefined)
      throw new TypeError(`${how} has a rate; limit and window are of the windows`)
    if (rate === undefined) throw new TypeError(`${how} needs a rate, such as 100/s`)
    if (maxWait !== undefined && !leaky) throw new TypeError('maxWait: only a leaky-bucket holds requests back')
    const wait = leaky ? (maxWait ?? 1000) : 0
    if (wait > LONGEST_WAIT) throw new TypeError(`maxWait: at most ${LONGEST_WAIT / 1000}s`)
    const most = burst ?? (leaky ? 1 : Math.max(1, Math.floor(rate)))
    return {
      rule: { algorithm: how, amount: rate, window: 1000, burst: most, maxWait: wait },
      key: compiled,
      quota: { amount: most, seconds: Math.max(1, Math.ceil(most / rate)) },
    }
  }
  if (rate !== undefined || burst !== undefined || maxWait !== undefined) {
    throw new TypeError(`${how} has a limit and a window; rate, burst and maxWait are of the buckets`)
  }
  if (limit === undefined || window === undefined || window === 0) {
    throw new TypeError(`${how} needs a limit and a window, such as limit: 1000, window: 1h`)
  }
  return {
    rule: { algorithm: how, amount: limit, window, burst: 0, maxWait: 0 },
    key: compiled,
    quota: { amount: limit, seconds: Math.max(1, Math.ceil(window / 1000)) },
  }
}
