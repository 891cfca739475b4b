// Claims by path: `realm.roles`, or the whole name where a claim has dots of its own (https://example.com/roles).

export interface ClaimPath {
  readonly whole: string
  readonly parts: readonly string[]
}

/** Throws TypeError on a path with an empty part. */
export function claimPath(text: string): ClaimPath {
  const parts = text.split('.')
  if (parts.includes('')) throw new TypeError(`"${text}" is not the path of a claim, such as realm.roles`)
  return { whole: text, parts }
}

/** undefined if there is none. Only own properties count, and lists are not looked into. */
export function claimAt(claims: Readonly<Record<string, unknown>> | null, { whole, parts }: ClaimPath): unknown {
  if (claims === null) return undefined
  if (Object.hasOwn(claims, whole)) return claims[whole]
  return memberAt(claims, parts, false)
}

/** What the names lead to, one member after the other; undefined if there is none. `intoLists`: an index is a name too. */
export function memberAt(root: unknown, names: readonly string[], intoLists: boolean): unknown {
  let value = root
  for (let i = 0; i < names.length; i++) {
    if (typeof value !== 'object' || value === null || (!intoLists && Array.isArray(value))) return undefined
    if (!Object.hasOwn(value, names[i]!)) return undefined
    value = (value as Record<string, unknown>)[names[i]!]
  }
  return value
}
