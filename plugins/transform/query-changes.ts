// Changed parameters of the query. Those that are not named stay as they were written.
import type { PluginExchange } from '../../src/contract/plugin.ts'
import { compileTemplate, type Template } from './template.ts'

export interface QueryOptions {
  readonly remove?: readonly string[]
  readonly rename?: Readonly<Record<string, string>>
  readonly set?: Readonly<Record<string, string>>
  readonly add?: Readonly<Record<string, string>>
}

export class QueryChanges {
  readonly #removed: ReadonlySet<string>
  readonly #renamed: ReadonlyMap<string, string>
  readonly #set: readonly (readonly [string, Template])[]
  readonly #add: readonly (readonly [string, Template])[]

  constructor({ remove = [], rename = {}, set = {}, add = {} }: QueryOptions) {
    // What is set is removed first: a parameter that is there twice must not win over it.
    this.#removed = new Set(remove)
    this.#renamed = new Map(Object.entries(rename))
    this.#set = templates(set)
    this.#add = templates(add)
  }

  apply(x: PluginExchange): void {
    const pairs: string[] = []
    const { search } = x
    for (const pair of search === '' || search === '?' ? [] : search.slice(1).split('&')) {
      const kept = this.#changed(pair)
      if (kept !== null) pairs.push(kept)
    }
    for (const [name, value] of this.#set) pairs.push(`${encode(name)}=${encode(value.render(x))}`)
    for (const [name, value] of this.#add) pairs.push(`${encode(name)}=${encode(value.render(x))}`)
    x.setSearch(pairs.length === 0 ? '' : `?${pairs.join('&').replaceAll(UNSAFE, escapeByte)}`)
  }

  /** The pair as it goes on; null when it does not. */
  #changed(pair: string): string | null {
    const equals = pair.indexOf('=')
    const name = decode(equals < 0 ? pair : pair.slice(0, equals))
    if (this.#removed.has(name)) return null
    const renamed = this.#renamed.get(name)
    const last = renamed ?? name
    if (this.#set.some(([each]) => each === last)) return null
    return renamed === undefined ? pair : encode(renamed) + (equals < 0 ? '' : pair.slice(equals))
  }
}

function templates(values: Readonly<Record<string, string>>): [string, Template][] {
  return Object.entries(values).map(([name, value]) => [name, compileTemplate(value)])
}

/** What no query may hold, as the client may have sent it. */
const UNSAFE = /[^\x21\x22\x24-\x7e]/g

function escapeByte(char: string): string {
  const code = char.charCodeAt(0)
  return code < 256 ? `%${code.toString(16).toUpperCase().padStart(2, '0')}` : encode(char)
}

// Half a surrogate pair would make encodeURIComponent throw: it becomes U+FFFD, as in every UTF-8 encoder.
function encode(text: string): string {
  return encodeURIComponent(Buffer.from(text).toString())
}

/** As forms are decoded; a malformed escape means itself. */
function decode(text: string): string {
  const spaced = text.replaceAll('+', ' ')
  if (!spaced.includes('%')) return spaced
  try {
    return decodeURIComponent(spaced)
  } catch {
    return spaced
  }
}
