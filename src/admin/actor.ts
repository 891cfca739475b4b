// Who asks, as far as that is known.
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { Actor } from '../control/audit.ts'

const MOST_AUTHOR = 200
const MOST_MESSAGE = 1000

/** `Sluice-Author` is what the client says: who knows the token may give any name. */
export function actorOf({ headers, socket }: IncomingMessage, by: Actor['by']): Actor {
  const author = textOf(headers['sluice-author'], MOST_AUTHOR)
  return { author: author === '' ? 'admin' : author, peer: socket.remoteAddress ?? 'unix', by }
}

export function messageOf(headers: IncomingHttpHeaders): string {
  return textOf(headers['sluice-message'], MOST_MESSAGE)
}

/** Fields come as latin1; clients send UTF-8. Nothing in it may steer a terminal. */
function textOf(field: string | string[] | undefined, most: number): string {
  const text = Buffer.from(String(field ?? ''), 'latin1').toString('utf8')
  return text
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ')
    .trim()
    .slice(0, most)
}
