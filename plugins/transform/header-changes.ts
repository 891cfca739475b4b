// Renamed and set header fields. What a template gives is judged before anything is set: it may come from the client.
import { checkValue, fieldName, isFieldValue } from '../../src/base/headers.ts'
import { isHopByHop } from '../../src/base/hop-by-hop.ts'
import type { PluginExchange } from '../../src/contract/plugin.ts'
import { compileTemplate, type Template } from './template.ts'

export interface HeaderOptions {
  readonly rename?: Readonly<Record<string, string>>
  readonly set?: Readonly<Record<string, string>>
}

/** One side's fields, by what reads and writes them. */
interface Side {
  read(x: PluginExchange, name: string): string
  write(x: PluginExchange, name: string, value: string): void
  remove(x: PluginExchange, name: string): void
}

const REQUEST: Side = {
  read: (x, name) => x.header(name),
  write: (x, name, value) => x.setRequestHeader(name, value),
  remove: (x, name) => x.removeRequestHeader(name),
}
const RESPONSE: Side = {
  read: (x, name) => x.responseHeader(name),
  write: (x, name, value) => x.setResponseHeader(name, value),
  remove: (x, name) => x.removeResponseHeader(name),
}

export class HeaderChanges {
  /** [from, to, ...] */
  readonly #rename: readonly string[]
  readonly #names: readonly string[]
  readonly #values: readonly Template[]
  readonly #side: Side

  /** Throws TypeError on names and values that no header may have. */
  constructor({ rename = {}, set = {} }: HeaderOptions, side: 'request' | 'response') {
    this.#side = side === 'request' ? REQUEST : RESPONSE
    this.#rename = Object.entries(rename)
      .flat()
      .map((name) => changeable(name, side))
    this.#names = Object.keys(set).map((name) => changeable(name, side))
    this.#values = Object.values(set).map(compileTemplate)
    this.#values.forEach((template, i) => checkValue(this.#names[i]!, template.literal))
    if (this.#rename.includes('set-cookie')) throw new TypeError('rename: a reply may have several set-cookie fields')
  }

  /** '' or the name of the header whose value no header may carry; nothing was changed then. */
  apply(x: PluginExchange): string {
    const values = this.#values.map((template) => template.render(x))
    const bad = values.findIndex((value) => !isFieldValue(value))
    if (bad >= 0) return this.#names[bad]!
    this.#renameAll(x)
    for (let i = 0; i < values.length; i++) this.#set(x, i, values[i]!)
    return ''
  }

  /** The same where nothing can be refused any more: such a header is left out. */
  applyLate(x: PluginExchange): void {
    const values = this.#values.map((template) => template.render(x))
    this.#renameAll(x)
    for (let i = 0; i < values.length; i++) this.#set(x, i, isFieldValue(values[i]!) ? values[i]! : '')
  }

  #renameAll(x: PluginExchange): void {
    for (let i = 0; i < this.#rename.length; i += 2) {
      const from = this.#rename[i]!
      const value = this.#side.read(x, from)
      if (value !== '') this.#side.write(x, this.#rename[i + 1]!, value)
      this.#side.remove(x, from)
    }
  }

  /** An empty value removes: what the client sent by that name must not pass for what was meant. */
  #set(x: PluginExchange, i: number, value: string): void {
    if (value === '') this.#side.remove(x, this.#names[i]!)
    else this.#side.write(x, this.#names[i]!, value)
  }
}

/** The name in lower case. Throws TypeError on a field that is the gateway's own affair. */
function changeable(name: string, side: 'request' | 'response'): string {
  const lower = fieldName(name)
  if (isHopByHop(lower) || lower === 'content-length') throw new TypeError(`the gateway writes ${name} itself`)
  if (lower === 'host' && side === 'request') throw new TypeError('use rewrite.host of the route to change Host')
  return lower
}
