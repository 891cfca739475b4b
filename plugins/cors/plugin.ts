// Cross-origin resource sharing (Fetch standard, section 3.2): answers preflights, and tells browsers which origins may
// read a reply. What the upstream says about it is replaced.
import { definePlugin, Duration, NEXT, Type, type PluginExchange } from '../../src/contract/plugin.ts'

const CORS_HEADERS = [
  'access-control-allow-origin',
  'access-control-allow-credentials',
  'access-control-expose-headers',
  'access-control-allow-methods',
  'access-control-allow-headers',
  'access-control-max-age',
]

export default definePlugin({
  name: 'cors',
  summary: 'Cross-origin requests of browsers: preflights and the headers that allow reading',
  order: 200,
  schema: Type.Object(
    {
      origins: Type.Array(Type.String(), {
        minItems: 1,
        description: 'https://app.example.com, https://*.example.com or *',
      }),
      methods: Type.Optional(Type.Array(Type.String(), { description: 'Methods beyond GET, HEAD and POST' })),
      headers: Type.Optional(
        Type.Array(Type.String(), { description: 'Request headers that are allowed; * repeats what was asked for' }),
      ),
      exposeHeaders: Type.Optional(Type.Array(Type.String(), { description: 'Reply headers that scripts may read' })),
      credentials: Type.Optional(
        Type.Boolean({ description: 'Allow cookies and authorization; not together with origin *', default: false }),
      ),
      maxAge: Type.Optional(Duration({ description: 'How long a browser remembers a preflight', default: '10m' })),
    },
    { additionalProperties: false },
  ),
  compile({ origins, methods = [], headers = [], exposeHeaders = [], credentials = false, maxAge = 600_000 }) {
    const any = origins.includes('*')
    if (any && credentials) throw new TypeError('origins: "*" cannot be combined with credentials: name the origins')
    const exact = new Set(origins.filter((origin) => !origin.includes('*')))
    const patterns = origins.filter((origin) => origin !== '*' && origin.includes('*')).map(wildcardOrigin)
    for (const origin of exact) checkOrigin(origin)
    const allowed = (origin: string): boolean =>
      any ||
      exact.has(origin) ||
      patterns.some(
        ({ scheme, suffix }) =>
          origin.startsWith(scheme) && origin.endsWith(suffix) && isSubdomain(origin, scheme, suffix),
      )
    const methodList = ['GET', 'HEAD', 'POST', ...methods].join(', ')
    const echoHeaders = headers.includes('*')
    const headerList = headers.join(', ')
    const exposeList = exposeHeaders.join(', ')
    const age = String(Math.round(maxAge / 1000))

    return {
      access(x) {
        if (x.method !== 'OPTIONS' || !x.hasHeader('origin') || !x.hasHeader('access-control-request-method'))
          return NEXT
        const fields: string[] = ['vary', 'origin, access-control-request-method, access-control-request-headers']
        const origin = x.header('origin')
        if (allowed(origin)) {
          fields.push('access-control-allow-methods', methodList, 'access-control-max-age', age)
          const wanted = echoHeaders ? x.header('access-control-request-headers') : headerList
          if (wanted !== '') fields.push('access-control-allow-headers', wanted)
        }
        return x.respond(204, fields, '')
      },
      response(x) {
        const preflight = x.method === 'OPTIONS' && x.responseHeader('access-control-max-age') === age
        if (!preflight) for (let i = 0; i < CORS_HEADERS.length; i++) x.removeResponseHeader(CORS_HEADERS[i]!)
        // The reply depends on Origin even when this request has none: a cache must know.
        if (!any) vary(x)
        const origin = x.header('origin')
        if (origin === '' || !allowed(origin)) return
        x.setResponseHeader('access-control-allow-origin', any ? '*' : origin)
        if (credentials) x.setResponseHeader('access-control-allow-credentials', 'true')
        if (exposeList !== '' && !preflight) x.setResponseHeader('access-control-expose-headers', exposeList)
      },
    }
  },
})

function vary(x: PluginExchange): void {
  const present = x.responseHeader('vary')
  if (present === '') x.setResponseHeader('vary', 'origin')
  else if (present !== '*' && !/(^|,)\s*origin\s*(,|$)/i.test(present))
    x.setResponseHeader('vary', `${present}, origin`)
}

/** Throws TypeError on what no browser sends as Origin. */
function checkOrigin(origin: string): void {
  if (origin === 'null') return
  let url: URL | null = null
  try {
    url = new URL(origin)
  } catch {
    // reported below
  }
  if (url === null || url.origin !== origin) {
    throw new TypeError(
      `"${origin}" is not an origin: scheme, host and port only, in lower case, as in https://app.example.com`,
    )
  }
}

/** `https://*.example.com` as the scheme and the suffix around its label. */
function wildcardOrigin(origin: string): { scheme: string; suffix: string } {
  const match = /^(https?:\/\/)\*(\.[a-z0-9.-]+(?::\d+)?)$/.exec(origin)
  if (match === null) throw new TypeError(`"${origin}": "*" can only be the first label, as in https://*.example.com`)
  return { scheme: match[1]!, suffix: match[2]! }
}

function isSubdomain(origin: string, scheme: string, suffix: string): boolean {
  const label = origin.slice(scheme.length, origin.length - suffix.length)
  return origin.length > scheme.length + suffix.length && /^[a-z0-9.-]+$/.test(label)
}
