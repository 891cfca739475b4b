// What becomes of a route by a patch (RFC 7396), and by other changes.
import { isRecord } from '../config/document.ts'

type Raw = Readonly<Record<string, unknown>>

/** Plain data: it may be made in a thread. */
export type RouteChange =
  | { readonly kind: 'patch'; readonly patch: Raw }
  | { readonly kind: 'put'; readonly route: Raw }
  | { readonly kind: 'remove' }

/** undefined: it goes. */
export function changedRoute(written: unknown, change: RouteChange): unknown {
  if (change.kind === 'patch') return patchedRoute(written, change.patch)
  return change.kind === 'put' ? change.route : undefined
}

/** What a route does: exactly one of these. */
const ACTIONS = ['upstream', 'split', 'respond', 'redirect']

/** One that sets what the route does takes the place of what it did. */
function patchedRoute(route: unknown, patch: Raw): unknown {
  const sets = ACTIONS.some((action) => Object.hasOwn(patch, action) && patch[action] !== null)
  const kept = isRecord(route)
    ? Object.fromEntries(Object.entries(route).filter(([key]) => !sets || !ACTIONS.includes(key) || key in patch))
    : {}
  return mergePatch(kept, patch)
}

/** RFC 7396 section 2. What has not changed is shared. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch
  const before = isRecord(target) ? target : {}
  const keys = new Set([...Object.keys(before), ...Object.keys(patch)])
  return Object.fromEntries(
    [...keys].flatMap((key): [string, unknown][] => {
      const value = Object.hasOwn(before, key) ? before[key] : undefined
      if (!Object.hasOwn(patch, key)) return [[key, value]]
      return patch[key] === null ? [] : [[key, mergePatch(value, patch[key])]]
    }),
  )
}
