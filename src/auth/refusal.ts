// Why a token is not accepted. One frozen object per reason: to refuse allocates nothing.
import type { RefusedToken } from '../contract/auth.ts'

export function refusal(problem: string): RefusedToken {
  return Object.freeze({ accepted: false, unavailable: false, problem })
}

function unavailable(problem: string): RefusedToken {
  return Object.freeze({ accepted: false, unavailable: true, problem })
}

export const TOO_LONG = refusal('the token is too long')
export const MALFORMED = refusal('the token is malformed')
export const WRONG_ALGORITHM = refusal('the algorithm of the token is not allowed')
export const CRITICAL = refusal('the token has critical extensions, which are not supported')
export const UNKNOWN_KEY = refusal('the key of the token is not known')
export const BAD_SIGNATURE = refusal('the signature of the token is wrong')
export const BAD_TIME = refusal('a time in the token is not a number')
export const EXPIRED = refusal('the token has expired')
export const NOT_YET = refusal('the token is not valid yet')
export const FROM_FUTURE = refusal('the token was issued in the future')
export const WRONG_ISSUER = refusal('the issuer of the token is not accepted')
export const WRONG_AUDIENCE = refusal('the token is meant for another audience')

export const NO_KEYS = unavailable('the keys are not available')
export const OVERLOADED = unavailable('too many tokens are being verified')
