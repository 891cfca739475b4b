// What the end of a connection means in the words of the gateway.
import { ERRORS, Failure } from '../../base/errors.ts'

/** The connection was not established in time. */
export class ConnectTimeout extends Error {
  override readonly name = 'ConnectTimeout'
}

/** There never was a connection. */
export function connectFailure(error: Error | null): Failure {
  const late = error instanceof ConnectTimeout || (error as { code?: string } | null)?.code === 'ETIMEDOUT'
  return new Failure(late ? ERRORS.upstreamConnectTimeout : ERRORS.upstreamConnect, '', error)
}

/** It ended while a reply was due. `begun`: bytes of it had come. */
export function brokenFailure(error: Error | null, begun: boolean): Failure {
  const cause = error ?? new Error(begun ? 'closed in the middle of the reply' : 'closed before the reply')
  return new Failure(begun ? ERRORS.upstreamTruncated : ERRORS.upstreamReset, '', cause)
}

export function protocolFailure(what: string): Failure {
  return new Failure(ERRORS.upstreamProtocol, '', new Error(what))
}
