// Asks another service whether a request may pass, and on whose behalf.
import { ExpiringMap } from '../../src/base/expiring-map.ts'
import {
  definePlugin,
  Duration,
  ERRORS,
  NEXT,
  Type,
  type PluginExchange,
  type Verdict,
} from '../../src/contract/plugin.ts'
import { AuthService, isRefusal, type Answer } from './auth-service.ts'
import { cacheKey, fieldNames, questionOf } from './question.ts'

/** Steps have 10 s; the answer must come before. */
const LONGEST_TIMEOUT = 9000
const MOST_CACHED = 10_000

/** What a client needs of a refusal. Anything else might tell about the service. */
const SAFE = new Set(['www-authenticate', 'location', 'set-cookie', 'cache-control', 'retry-after', 'vary'])
const ABOUT_BODY = new Set(['content-type', 'content-encoding', 'content-language'])

const Cache = Type.Object(
  {
    ttl: Duration({ description: 'How long a permission is kept' }),
    key: Type.Array(Type.String(), { minItems: 1, description: 'Request headers that tell requests apart' }),
    anyTarget: Type.Optional(
      Type.Boolean({ description: 'A permission holds for every method, host, path and query', default: false }),
    ),
  },
  { additionalProperties: false, description: 'Absent: every request is asked for' },
)

export default definePlugin({
  name: 'forward-auth',
  summary: 'Asks a service of yours whether a request may pass',
  order: 340,
  phase: 'access',
  schema: Type.Object(
    {
      url: Type.String({ description: 'Whom to ask, http only: http://auth.internal:9000/check' }),
      requestHeaders: Type.Optional(
        Type.Array(Type.String(), {
          description: 'Headers of the request that the service gets',
          default: ['authorization', 'cookie'],
        }),
      ),
      responseHeaders: Type.Optional(
        Type.Array(Type.String(), {
          description: 'Headers of the answer that the upstream gets; those of the client are removed',
          default: [],
        }),
      ),
      consumer: Type.Optional(Type.String({ description: 'Header of the answer that names the consumer' })),
      timeout: Type.Optional(Duration({ description: 'How long an answer may take; at most 9s', default: '2s' })),
      onError: Type.Optional(
        Type.Union([Type.Literal('closed'), Type.Literal('open')], {
          description: 'What happens without a usable answer: closed is 503, open lets pass',
          default: 'closed',
        }),
      ),
      concurrency: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: 65_535,
          description: 'Questions at once; more count as errors',
          default: 256,
        }),
      ),
      cache: Type.Optional(Cache),
    },
    { additionalProperties: false },
  ),
  compile(options, host) {
    const { timeout = 2000, onError = 'closed', concurrency = 256, cache } = options
    if (timeout < 1 || timeout > LONGEST_TIMEOUT) throw new TypeError('timeout is from 1ms to 9s')
    const sent = fieldNames(options.requestHeaders ?? ['authorization', 'cookie'], 'requestHeaders')
    const copied = fieldNames(options.responseHeaders ?? [], 'responseHeaders')
    const [consumer = ''] = fieldNames(options.consumer === undefined ? [] : [options.consumer], 'consumer')
    const keyNames = fieldNames(cache?.key ?? [], 'cache.key')
    const service = new AuthService(readUrl(options.url), timeout, concurrency)
    host.own('connections to the service', service.agent, (agent) => agent.destroy())
    const permissions = cache === undefined ? null : new ExpiringMap<readonly string[]>(MOST_CACHED)
    const failures = host.metrics.counter('failures_total', 'Questions without a usable answer')
    let failing = false

    const permit = (x: PluginExchange, answer: readonly string[]): Verdict => {
      for (let i = 0; i < answer.length; i += 2) {
        if (copied.includes(answer[i]!)) x.addRequestHeader(answer[i]!, answer[i + 1]!)
        if (answer[i] === consumer && answer[i + 1] !== '') x.authenticate(answer[i + 1]!, {})
      }
      return NEXT
    }
    const failed = (x: PluginExchange, why: unknown): Verdict => {
      failures.add()
      // Once per outage: the service may be gone for as long as a log has room.
      if (!failing) host.log.warn({ err: why }, 'the authentication service gives no usable answer')
      failing = true
      return onError === 'open' ? NEXT : x.deny(ERRORS.authUnavailable)
    }
    const decide = (x: PluginExchange, key: string, answer: Answer): Verdict => {
      const { status, headers } = answer
      if (!isRefusal(status) && (status < 200 || status > 299)) return failed(x, new Error(`status ${status}`))
      failing = false
      if (isRefusal(status)) return passOn(x, answer)
      const kept = headers.filter((_, i) => isKept(headers[i - (i % 2)]!))
      if (key !== '') permissions!.set(key, kept, cache!.ttl)
      return permit(x, kept)
    }
    const isKept = (name: string): boolean => name === consumer || copied.includes(name)

    return (x) => {
      const key = permissions === null ? '' : cacheKey(x, keyNames, cache!.anyTarget ?? false)
      const question = questionOf(x, sent)
      if (question === null) return x.deny(ERRORS.badHeader, 'A header that decides about access is there twice.')
      for (let i = 0; i < copied.length; i++) x.removeRequestHeader(copied[i]!)
      const permission = key === '' ? undefined : permissions!.get(key)
      if (permission !== undefined) return permit(x, permission)
      return service.ask(question).then(
        (answer) => decide(x, key, answer),
        (error: unknown) => failed(x, error),
      )
    }
  },
})

/** The refusal in the words of the service. */
function passOn(x: PluginExchange, { status, headers, body }: Answer): Verdict {
  const safe = headers.filter((_, i) => {
    const name = headers[i - (i % 2)]!
    return SAFE.has(name) || (body !== null && ABOUT_BODY.has(name))
  })
  return x.respond(status, safe, body ?? '')
}

/** Throws TypeError on what cannot be asked. */
function readUrl(text: string): URL {
  const url = URL.parse(text)
  if (url === null || url.protocol !== 'http:') throw new TypeError(`url: "${hidden(url, text)}" is not an http:// URL`)
  if (url.username !== '' || url.password !== '') throw new TypeError('url: credentials have no place in it')
  if (url.hash !== '') throw new TypeError('url: a fragment is never sent')
  return url
}

/** Without what could be a password. */
function hidden(url: URL | null, text: string): string {
  return url === null ? text.replace(/\/\/.*@/, '//...@') : `${url.protocol}//${url.host}`
}
