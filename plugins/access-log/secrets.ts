// What an access log never shows, whatever else is configured: fields that prove who somebody is, and parameters of the
// query that are commonly used for the same.

export const MASKED = '***'

const SECRET_HEADERS = new Set([
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'x-api-key',
  'x-auth-token',
  'x-csrf-token',
])

const SECRET_PARAMETER =
  /^(?:(?:access_|refresh_|id_|auth_|session_)?token|api[-_]?key|key|password|passwd|pwd|client_secret|secret|signature|sig|code|assertion)$/i
const PARAMETER = /([?&;])([^=&;]*)=[^&;]*/g

/** `name` in lower case. */
export function isSecretHeader(name: string): boolean {
  return SECRET_HEADERS.has(name)
}

/** A query with its `?`, the values of secret parameters replaced. */
export function withoutSecrets(search: string): string {
  if (search === '') return ''
  return search.replace(PARAMETER, (all, before: string, name: string) =>
    // A name may be written with escapes, which reach the upstream as what they stand for: such values are hidden too.
    SECRET_PARAMETER.test(name) || name.includes('%') ? `${before}${name}=${MASKED}` : all,
  )
}
