// What an error of undici or of a socket means in the words of the gateway.
import { ERRORS, Failure } from '../../base/errors.ts'
import { ConnectTimeout } from './connector.ts'

/** An established connection is lost so: also when its route is, and then the request may have arrived. */
const LOST = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN'])

/** `headReceived`: the reply had begun, so that its end is missing. */
export function failureOf(error: Error & { code?: string }, connected: boolean, headReceived: boolean): Failure {
  const code = error.code ?? ''
  if (error instanceof ConnectTimeout || (code === 'ETIMEDOUT' && !connected) || code === 'UND_ERR_CONNECT_TIMEOUT') {
    return new Failure(ERRORS.upstreamConnectTimeout, '', error)
  }
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return new Failure(ERRORS.upstreamHeadTooLarge, '', error)
  if (headReceived) return new Failure(ERRORS.upstreamTruncated, '', error)
  if (!connected) return new Failure(ERRORS.upstreamConnect, '', error)
  if (code === 'UND_ERR_SOCKET') {
    // undici reports a 100 or an upgrade that nobody asked for as a socket error of its own making.
    const closed = /closed|reset/.test(error.message)
    return new Failure(closed ? ERRORS.upstreamReset : ERRORS.upstreamProtocol, '', error)
  }
  if (LOST.has(code)) return new Failure(ERRORS.upstreamReset, '', error)
  return new Failure(ERRORS.upstreamProtocol, '', error)
}
