// One rule: a list of conditions which must all hold.
import { isIPv6 } from 'node:net'
import { blockList } from '../../src/base/block-list.ts'
import { claimAt, claimPath } from '../../src/base/claim.ts'
import type { PluginExchange } from '../../src/contract/plugin.ts'

type Scalar = string | number | boolean

export interface RuleOptions {
  readonly consumer?: string | readonly string[]
  readonly claims?: Readonly<Record<string, Scalar | readonly Scalar[]>>
  readonly scope?: string | readonly string[]
  readonly cidr?: string | readonly string[]
}

type Condition = (x: PluginExchange) => boolean

export interface Rule {
  readonly conditions: readonly Condition[]
  /** It holds only when somebody is authenticated. */
  readonly aboutIdentity: boolean
}

/** Whoever is authenticated, by whatever name. */
const ANYBODY = '*'

/** Throws TypeError on a rule that says nothing, or nothing that could hold. */
export function compileRule(options: RuleOptions, where: string): Rule {
  const { consumer, claims, scope, cidr } = options
  const conditions: Condition[] = []
  if (cidr !== undefined) conditions.push(fromAddress(listOf(cidr, `${where}.cidr`)))
  if (consumer !== undefined) conditions.push(isConsumer(listOf(consumer, `${where}.consumer`)))
  if (scope !== undefined) conditions.push(hasScopes(listOf(scope, `${where}.scope`)))
  for (const [path, values] of Object.entries(claims ?? {})) {
    conditions.push(hasClaim(path, listOf(values, `${where}.claims.${path}`)))
  }
  if (conditions.length === 0) throw new TypeError(`${where} has no condition, so that it would hold for everybody`)
  return { conditions, aboutIdentity: conditions.length > (cidr === undefined ? 0 : 1) }
}

export function holds({ conditions }: Rule, x: PluginExchange): boolean {
  for (let i = 0; i < conditions.length; i++) if (!conditions[i]!(x)) return false
  return true
}

export function isAuthenticated(x: PluginExchange): boolean {
  return x.consumer !== '' || x.claims !== null
}

function listOf<T extends Scalar>(value: T | readonly T[], where: string): readonly T[] {
  const list = Array.isArray(value) ? (value as readonly T[]) : [value as T]
  if (list.length === 0) throw new TypeError(`${where} is an empty list, so that the rule could never hold`)
  return list
}

function isConsumer(names: readonly string[]): Condition {
  if (names.includes(ANYBODY)) return isAuthenticated
  const known = new Set(names)
  return ({ consumer }) => consumer !== '' && known.has(consumer)
}

/** Any of the values, or a list in which any of them is. A number is not the text that looks like it. */
function hasClaim(path: string, values: readonly Scalar[]): Condition {
  const at = claimPath(path)
  const wanted = new Set<unknown>(values)
  return ({ claims }) => {
    const value = claimAt(claims, at)
    return Array.isArray(value) ? value.some((each) => wanted.has(each)) : wanted.has(value)
  }
}

/** All of the scopes: a text with blanks (RFC 8693 section 4.2), or a list, in `scope` or `scp`. */
function hasScopes(scopes: readonly string[]): Condition {
  for (const scope of scopes) {
    if (scope === '' || scope.includes(' ')) throw new TypeError(`"${scope}" is not one scope; write several as a list`)
  }
  return ({ claims }) => {
    if (claims === null) return false
    const granted = Object.hasOwn(claims, 'scope') ? claims['scope'] : Object.hasOwn(claims, 'scp') ? claims['scp'] : ''
    const list: unknown = typeof granted === 'string' ? granted.split(' ') : granted
    return Array.isArray(list) && scopes.every((scope) => list.includes(scope))
  }
}

function fromAddress(entries: readonly string[]): Condition {
  const list = blockList(entries)
  return ({ clientIp }) => list.check(clientIp, isIPv6(clientIp) ? 'ipv6' : 'ipv4')
}
