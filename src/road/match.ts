// Canonical path -> Route. What matches nothing keeps the snapshot's unmatched route, so that its plugins still run.
import { ERRORS, Failure } from '../base/errors.ts'
import type { Exchange } from '../contract/exchange.ts'
import { METHOD_NOT_ALLOWED } from '../contract/match.ts'
import { NEXT, type Verdict } from '../contract/verdict.ts'

export function match(x: Exchange): Verdict {
  const snapshot = x.snapshot!
  let index = snapshot.router.match(x)
  if (index === METHOD_NOT_ALLOWED && isPreflight(x)) {
    // A browser asks on behalf of the method that it names: the route of that method has the policy that answers.
    const intended = snapshot.router.match(x, x.headers.find('access-control-request-method'))
    if (intended >= 0) {
      x.preflight = true
      index = intended
    }
  }
  const route = index < 0 ? snapshot.unmatched : snapshot.routes[index]!
  x.route = route
  x.chain = route.picker === null ? route.chain : route.picker.pick(x.path)
  return NEXT
}

/** The failure of a request that no plugin answered and no route takes. */
export function unmatched(x: Exchange): Verdict {
  const { router } = x.snapshot!
  if (router.match(x) === METHOD_NOT_ALLOWED) {
    x.setResponseHeader('allow', router.allow(x))
    return x.fail(new Failure(ERRORS.methodNotAllowed))
  }
  return x.fail(new Failure(ERRORS.routeNotFound))
}

function isPreflight(x: Exchange): boolean {
  return x.method === 'OPTIONS' && x.headers.has('origin') && x.headers.has('access-control-request-method')
}
