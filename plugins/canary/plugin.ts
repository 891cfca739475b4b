// Marks a stable share of the users, so that upstreams can treat them differently. Each user has a point from 0 to 9999, and is a
// canary while it lies below the share: a larger share keeps those who are in, a smaller one keeps those who are out.
import { createHmac } from 'node:crypto'
import { checkHeader, isToken } from '../../src/base/headers.ts'
import { ALL_POINTS, randomPoint, SHARE_PATTERN, sharePoints } from '../../src/base/share.ts'
import { definePlugin, NEXT, Type, type PluginExchange } from '../../src/contract/plugin.ts'
import { identityBy } from './identity.ts'

const NO_POINT = -1
/** Seconds: 30 days. */
const COOKIE_AGE = 2_592_000
const POINT = /^\d{4}$/

export default definePlugin({
  name: 'canary',
  summary: 'Marks a stable share of the users with a request header',
  order: 600,
  phase: 'request',
  schema: Type.Object(
    {
      share: Type.String({ pattern: SHARE_PATTERN, description: 'How many users are canaries: 10% or 0.25%' }),
      by: Type.Union(
        [
          Type.Literal('client-ip'),
          Type.Object({ header: Type.String({ description: 'Name of a header' }) }, { additionalProperties: false }),
          Type.Object({ cookie: Type.String({ description: 'Name of a cookie' }) }, { additionalProperties: false }),
          Type.Object({ claim: Type.String({ description: 'Path of a claim' }) }, { additionalProperties: false }),
        ],
        { description: 'What tells users apart: client-ip, or one of the following' },
      ),
      header: Type.Optional(
        Type.String({
          description: 'Name and value of the mark; those of clients are removed',
          default: 'x-canary: 1',
        }),
      ),
      salt: Type.Optional(
        Type.String({
          description: 'Another one chooses other users; the same everywhere chooses the same',
          default: '',
        }),
      ),
      otherwise: Type.Optional(
        Type.Union([Type.Literal('never'), Type.Literal('random')], {
          description: 'What requests without the value are: never canaries, or a share of them drawn anew each time',
          default: 'never',
        }),
      ),
      stick: Type.Optional(Type.String({ description: 'Cookie that keeps the point of a user for 30 days' })),
    },
    { additionalProperties: false },
  ),
  compile({ share, by, header = 'x-canary: 1', salt = '', otherwise = 'never', stick = '' }) {
    const limit = sharePoints(share)
    const identity = identityBy(by)
    const [name, value] = readMark(header)
    if (stick !== '' && !isToken(stick)) throw new TypeError(`stick: "${stick}" is not the name of a cookie`)
    const random = otherwise === 'random'

    return (x) => {
      let point = stick === '' ? NO_POINT : keptPoint(x, stick)
      if (point === NO_POINT) {
        const who = identity(x)
        if (who !== '') point = pointOf(salt, who)
        else if (random) point = randomPoint()
        if (stick !== '' && point !== NO_POINT) keepPoint(x, stick, point)
      }
      if (point !== NO_POINT && point < limit) x.setRequestHeader(name, value)
      else x.removeRequestHeader(name)
      return NEXT
    }
  },
})

/** The same in every gateway with the same salt. */
export function pointOf(salt: string, who: string): number {
  const digest = createHmac('sha256', salt).update(who).digest()
  return Math.floor((digest.readUInt32BE(0) / 2 ** 32) * ALL_POINTS)
}

function keptPoint(x: PluginExchange, cookie: string): number {
  const text = x.cookie(cookie)
  return text !== null && POINT.test(text) ? Number(text) : NO_POINT
}

function keepPoint(x: PluginExchange, cookie: string, point: number): void {
  const secure = x.scheme === 'https' ? '; Secure' : ''
  const value = String(point).padStart(4, '0')
  x.addResponseHeader(
    'set-cookie',
    `${cookie}=${value}; Path=/; Max-Age=${COOKIE_AGE}; HttpOnly; SameSite=Lax${secure}`,
  )
}

/** `name: value`. Throws TypeError on what no header can be. */
function readMark(text: string): readonly [string, string] {
  const colon = text.indexOf(':')
  if (colon < 1) throw new TypeError(`header: "${text}" is not a name and a value, as in "x-canary: 1"`)
  const [name, value] = [text.slice(0, colon).trim(), text.slice(colon + 1).trim()]
  checkHeader(name, value)
  return [name, value]
}
