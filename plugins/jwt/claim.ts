// Claims by path, and as text for a header.
import { memberAt } from '../../src/base/claim.ts'
import { isFieldValue } from '../../src/base/headers.ts'
import type { Claims } from '../../src/contract/plugin.ts'

/** The claim of that name, else the member that the dots lead to: `realm_access.roles`. undefined if there is none. */
export function claimAt(claims: Claims, path: string): unknown {
  // Names of claims may be URLs, which have dots.
  if (Object.hasOwn(claims, path)) return claims[path]
  return memberAt(claims, path.split('.'), true)
}

/**
 * A claim as a field value: text in UTF-8, numbers and booleans as they are written, lists and objects as JSON in ASCII.
 * '' if there is none; null when no header could carry it.
 */
export function claimText(value: unknown): string | null {
  if (value === undefined || value === null) return ''
  if (typeof value === 'object') return JSON.stringify(value).replaceAll(/[^\x20-\x7e]/g, escaped)
  const text = Buffer.from(String(value as string | number | boolean), 'utf8').toString('latin1')
  return isFieldValue(text) && text.trim() === text ? text : null
}

function escaped(char: string): string {
  return String.raw`\u` + char.charCodeAt(0).toString(16).padStart(4, '0')
}

/** Scopes of `scope` (RFC 8693 section 4.2) and `scp`: words in a string, or a list. */
export function hasScopes({ scope, scp }: Claims, needed: readonly string[]): boolean {
  const present = [...words(scope), ...words(scp)]
  return needed.every((each) => present.includes(each))
}

function words(value: unknown): unknown[] {
  if (typeof value === 'string') return value.split(' ')
  return Array.isArray(value) ? value : []
}
