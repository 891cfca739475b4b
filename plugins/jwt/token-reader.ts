// Where a request carries its token. The first place in the list that has one decides; a token that is there twice is
// refused, as the upstream might read the other one (RFC 6750 section 3.1, invalid_request).
import { isToken } from '../../src/base/headers.ts'
import { queryValues } from '../../src/base/query.ts'
import type { PluginExchange } from '../../src/contract/plugin.ts'

export type Place = { readonly header: string } | { readonly cookie: string } | { readonly query: string }

export const ABSENT = 0
export const FOUND = 1
export const REPEATED = 2
export type Finding = typeof ABSENT | typeof FOUND | typeof REPEATED

const BEARER = 'Bearer '
const ANY_BEARER = /^bearer(?: +|$)/i
const SPACE = 32

interface Reader {
  /** Sets `text` and `start` of the TokenReader when there is one. */
  read(x: PluginExchange, into: TokenReader): Finding
}

export class TokenReader {
  /** The token is what begins at `start` of `text`; only until the next call of `find`. */
  text = ''
  start = 0
  readonly #readers: readonly Reader[]

  /** Throws TypeError on a header name that is none. */
  constructor(places: readonly Place[]) {
    this.#readers = places.map(readerOf)
  }

  find(x: PluginExchange): Finding {
    const readers = this.#readers
    for (let i = 0; i < readers.length; i++) {
      const finding = readers[i]!.read(x, this)
      if (finding !== ABSENT) return finding
    }
    return ABSENT
  }

  take(text: string, start: number): Finding {
    this.text = text
    this.start = start
    return FOUND
  }
}

function readerOf(place: Place): Reader {
  if ('cookie' in place) return cookieReader(place.cookie)
  if ('query' in place) return queryReader(place.query)
  if (!isToken(place.header)) throw new TypeError(`from: "${place.header}" is not a header name`)
  const name = place.header.toLowerCase()
  return headerReader(name, name === 'authorization')
}

/** `schemeNeeded`: without "Bearer" it is a credential of another kind, and no token. */
function headerReader(name: string, schemeNeeded: boolean): Reader {
  return {
    read(x, into) {
      const value = x.header(name)
      if (value === '') return ABSENT
      if (x.headerCount(name) > 1) return REPEATED
      // The spelling that everybody uses is remembered as it stands, so that no substring is made for it.
      if (value.startsWith(BEARER) && value.charCodeAt(BEARER.length) !== SPACE) return into.take(value, BEARER.length)
      const scheme = ANY_BEARER.exec(value)
      if (scheme !== null) return into.take(value.slice(scheme[0].length), 0)
      return schemeNeeded ? ABSENT : into.take(value, 0)
    },
  }
}

function cookieReader(name: string): Reader {
  return {
    read(x, into) {
      const value = x.cookie(name)
      if (value === null) return ABSENT
      return x.headerCount('cookie') > 1 ? REPEATED : into.take(value, 0)
    },
  }
}

function queryReader(name: string): Reader {
  return {
    read(x, into) {
      let count = 0
      queryValues(x.search, name, (value) => {
        into.take(value, 0)
        return ++count > 1
      })
      return count === 0 ? ABSENT : count === 1 ? FOUND : REPEATED
    },
  }
}
