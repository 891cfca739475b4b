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
  /** More members of the problem. */
  readonly more: Readonly<Record<string, unknown>>

  constructor(
    status: number,
    detail: string,
    headers: Readonly<Record<string, string>> = {},
    more: Readonly<Record<string, unknown>> = {},
  ) {
    super(detail)
    this.status = status
    this.headers = headers
    this.more = more
  }
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  421: 'Misdirected Request',
  422: 'Unprocessable Content',
  428: 'Precondition Required',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
}

export function refusalAnswer({ status, message, headers, more }: Refusal): Answer {
  const problem = { type: 'about:blank', title: TITLES[status] ?? 'Error', status, detail: message, ...more }
  return { status, type: 'application/problem+json', headers, body: JSON.stringify(problem) }
}

export function json(value: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return { type: 'application/json', headers, body: JSON.stringify(value) }
}

export function text(body: string): Answer {
  return { type: 'text/plain; charset=utf-8', body }
}
