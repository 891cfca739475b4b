// Who may ask the admin listener: those who know the token; without one, whoever is on this machine, but no page of a
// stranger in the browser of somebody who is.
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { normalizeHost } from '../base/host.ts'
import { Refusal } from './answer.ts'

/** open: probes and the page of the dashboard; write: what changes something; debug: what costs the process dearly. */
export type Access = 'open' | 'read' | 'write' | 'debug'

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/
const BEARER = /^bearer +([\x21-\x7e]+)$/i

export class Gate {
  readonly #local: boolean
  #token: Buffer | null = null

  /** `local`: a unix socket, which no browser reaches. */
  constructor(local: boolean) {
    this.#local = local
  }

  /** Only its hash is kept: comparing takes the same time whatever is sent. */
  set token(token: string | null) {
    this.#token = token === null ? null : digest(token)
  }

  /** How it is known of those who pass that they may. */
  get by(): 'token' | 'local' {
    return this.#token === null ? 'local' : 'token'
  }

  /** Throws Refusal. */
  check({ headers, headersDistinct }: IncomingMessage, access: Access): void {
    for (const name of ['host', 'origin', 'authorization'])
      if ((headersDistinct[name]?.length ?? 0) > 1) throw new Refusal(400, `the header ${name} is here twice`)
    if (access === 'open') return
    if (this.#token === null) this.#checkHost(headers.host ?? '')
    checkSite(headers)
    if (this.#token !== null) this.#checkToken(headers.authorization, this.#token)
    else if (access === 'debug')
      throw new Refusal(
        403,
        'This needs a token, and the configuration has none: admin: { bind: ..., token: "${SLUICE_ADMIN_TOKEN}" }',
      )
  }

  /** A name of a stranger that leads here by DNS is what a rebinding page uses (CWE-350). */
  #checkHost(host: string): void {
    if (this.#local || LOOPBACK.test(normalizeHost(host) ?? '')) return
    throw new Refusal(421, 'Without a token only requests to localhost, 127.0.0.1 or [::1] are served.')
  }

  #checkToken(authorization: string | undefined, token: Buffer): void {
    const sent = BEARER.exec(authorization ?? '')?.[1]
    if (sent !== undefined && timingSafeEqual(digest(sent), token)) return
    const error = authorization === undefined ? '' : ', error="invalid_token"'
    throw new Refusal(401, 'The header Authorization: Bearer TOKEN is missing or wrong.', {
      'www-authenticate': `Bearer realm="sluice admin"${error}`,
    })
  }
}

/** Pages of others may not even ask: a browser says for whom it does. */
function checkSite({ origin, host = '', 'sec-fetch-site': site }: IncomingHttpHeaders): void {
  const isOwn = site === undefined ? origin === undefined || isSame(origin, host) : OWN_SITES.has(site)
  if (!isOwn) throw new Refusal(403, 'Requests on behalf of another site are not served.')
}

const OWN_SITES = new Set(['same-origin', 'none'])

function isSame(origin: string, host: string): boolean {
  return URL.canParse(origin) && new URL(origin).host === host.toLowerCase()
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
