// Reason phrases, prebuilt as the status line wants them.
import { STATUS_CODES } from 'node:http'

const LINES: string[] = []
for (let status = 100; status < 600; status++) LINES[status] = `${status} ${STATUS_CODES[status] ?? 'Unknown'}`

/** `200 OK`; any number of three digits has one. */
export function statusLine(status: number): string {
  return LINES[status] ?? `${status} Unknown`
}
