// Requests with a JSON Web Token (RFC 7519) as a bearer token (RFC 6750): who makes them, and whether they may pass.
import type { CheckedToken, TokenRules } from '../../src/contract/auth.ts'
import { definePlugin, ERRORS, NEXT, type PluginExchange, type Verdict } from '../../src/contract/plugin.ts'
import { Challenge } from './challenge.ts'
import { JwtOptions, type Options } from './options.ts'
import { FactReader, type TokenFacts } from './token-facts.ts'
import { ABSENT, REPEATED, TokenReader } from './token-reader.ts'

export default definePlugin({
  name: 'jwt',
  summary: 'JSON Web Tokens: verifies them, says who the consumer is, forwards claims',
  order: 320,
  schema: JwtOptions,
  compile(options, host) {
    const { from = [{ header: 'authorization' }], scopes = [], optional = false } = options
    const { consumerClaim = 'sub', forward = {}, realm = 'sluice' } = options
    checkScopes(scopes)
    const challenge = new Challenge(realm, scopes)
    const facts = new FactReader({ consumerClaim, scopes, forward })
    const reader = new TokenReader(from)
    const verifier = host.auth.verifier(rulesOf(options), (claims) => facts.read(claims))

    const decide = (x: PluginExchange, checked: CheckedToken<TokenFacts>): Verdict => {
      if (!checked.accepted) {
        if (checked.unavailable) return x.deny(ERRORS.authUnavailable)
        return challenge.invalid(x, checked.problem)
      }
      const { value } = checked
      if (!value.scoped) return challenge.insufficientScope(x)
      forwardClaims(x, facts.headers, value.forwarded)
      x.authenticate(value.consumer, checked.claims)
      return NEXT
    }

    return {
      start: () => verifier.start(),
      access(x) {
        const finding = reader.find(x)
        // After the token was read: its own header may be one of them.
        stripHeaders(x, facts.headers)
        if (finding === REPEATED) return challenge.repeated(x)
        if (finding === ABSENT) return optional ? NEXT : challenge.missing(x)
        const checked = verifier.check(reader.text, reader.start)
        if (checked instanceof Promise) return checked.then((settled) => decide(x, settled))
        return decide(x, checked)
      },
    }
  },
})

/** Whatever a client writes there, the upstream must not take it for a claim. */
function stripHeaders(x: PluginExchange, names: readonly string[]): void {
  for (let i = 0; i < names.length; i++) x.removeRequestHeader(names[i]!)
}

function forwardClaims(x: PluginExchange, names: readonly string[], values: readonly string[]): void {
  for (let i = 0; i < names.length; i++) if (values[i] !== '') x.setRequestHeader(names[i]!, values[i]!)
}

/** RFC 6749 section 3.3. Throws TypeError on what no token could hold. */
function checkScopes(scopes: readonly string[]): void {
  for (const scope of scopes) {
    if (!/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope))
      throw new TypeError(`scopes: "${scope}" is not one scope: visible ASCII without spaces, quotes and backslashes`)
  }
}

function rulesOf({
  keys,
  algorithms,
  issuer,
  audience,
  required = ['exp'],
  leeway = 5000,
  cache,
}: Options): TokenRules {
  const { size = 10_000, ttl = 60_000 } = cache ?? {}
  return {
    keys: 'url' in keys ? { url: keys.url, refresh: keys.refresh ?? 600_000, timeout: keys.timeout ?? 5000 } : keys,
    algorithms,
    issuers: listOf(issuer),
    audiences: listOf(audience),
    required,
    leeway,
    cache: { size, ttl },
    shared: cache?.redis ?? null,
  }
}

function listOf(value: string | readonly string[] | undefined): readonly string[] {
  return value === undefined ? [] : typeof value === 'string' ? [value] : value
}
