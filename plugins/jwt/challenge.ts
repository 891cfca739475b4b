// Answers of RFC 6750 section 3: what was wrong, in WWW-Authenticate, for the client to act on.
import { ERRORS, type PluginExchange, type Verdict } from '../../src/contract/plugin.ts'

const NOT_DESCRIBABLE = /[^\x20\x21\x23-\x5b\x5d-\x7e]/g

export class Challenge {
  readonly #missing: string
  readonly #repeated: string
  readonly #scope: string

  /** Throws TypeError on a realm that cannot stand in quotes. `scopes`: those that are needed. */
  constructor(realm: string, scopes: readonly string[]) {
    if (describable(realm) !== realm)
      throw new TypeError('realm: expected visible ASCII without quotes and backslashes')
    this.#missing = `Bearer realm="${realm}"`
    this.#repeated = `${this.#missing}, error="invalid_request", error_description="there is more than one token"`
    this.#scope = `${this.#missing}, error="insufficient_scope", scope="${scopes.join(' ')}"`
  }

  /** No error code: the client may not have known that a token is needed. */
  missing(x: PluginExchange): Verdict {
    x.setResponseHeader('www-authenticate', this.#missing)
    return x.deny(ERRORS.unauthorized, 'A token is needed')
  }

  repeated(x: PluginExchange): Verdict {
    x.setResponseHeader('www-authenticate', this.#repeated)
    return x.deny(ERRORS.unauthorized, 'There is more than one token')
  }

  invalid(x: PluginExchange, problem: string): Verdict {
    const description = describable(problem)
    x.setResponseHeader(
      'www-authenticate',
      `${this.#missing}, error="invalid_token", error_description="${description}"`,
    )
    return x.deny(ERRORS.unauthorized, problem)
  }

  insufficientScope(x: PluginExchange): Verdict {
    x.setResponseHeader('www-authenticate', this.#scope)
    return x.deny(ERRORS.forbidden, 'The token lacks a scope')
  }
}

/** RFC 6750 section 3: an error description has neither quotes nor backslashes, nor anything beyond ASCII. */
function describable(text: string): string {
  return text.replaceAll(NOT_DESCRIBABLE, "'")
}
