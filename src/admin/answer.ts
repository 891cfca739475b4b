// What the admin API answers with, and how it says no (RFC 9457).
import type { Readable } from 'node:stream'

export interface Answer {
  /** 200 unless it is said. */
  readonly status?: number
  /** Content-Type; absent for replies without a body. */
  readonly type?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string | Buffer | Readable
}

/** A request that is not answered as it was meant. */
export class Refusal extends Error {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, detail: string, headers: Readonly<Record<string, string>> = {}) {
    super(detail)
    this.status = status
    this.headers = headers
  }
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  421: 'Misdirected Request',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
}

export function refusalAnswer({ status, message, headers }: Refusal): Answer {
  const problem = { type: 'about:blank', title: TITLES[status] ?? 'Error', status, detail: message }
  return { status, type: 'application/problem+json', headers, body: JSON.stringify(problem) }
}

export function json(value: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return { type: 'application/json', headers, body: JSON.stringify(value) }
}

export function text(body: string): Answer {
  return { type: 'text/plain; charset=utf-8', body }
}
