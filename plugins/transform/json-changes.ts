// Changes to a parsed JSON value: unwrap, remove, rename, set, wrap, in this order. Only own members are ever looked at,
// and members are defined, not assigned: `__proto__` is a name like any other.
import type { PluginExchange } from '../../src/contract/plugin.ts'
import { isContainer } from './json-text.ts'
import { compileTemplate, type Template } from './template.ts'

export interface JsonOptions {
  readonly set?: Readonly<Record<string, unknown>>
  readonly remove?: readonly string[]
  readonly rename?: Readonly<Record<string, string>>
  readonly wrap?: string
  readonly unwrap?: string
}

type Path = readonly string[]
type Container = Record<string, unknown>

/** Objects on the way that are not there are made, so that their number must be bounded. */
const MOST_NAMES = 32

export class JsonChanges {
  readonly #unwrap: Path | null
  readonly #remove: readonly Path[]
  readonly #rename: readonly { readonly path: Path; readonly name: string }[]
  readonly #set: readonly { readonly path: Path; readonly value: unknown; readonly template: Template | null }[]
  readonly #wrap: string | null

  /** Throws TypeError on paths and templates that cannot be read. */
  constructor({ set = {}, remove = [], rename = {}, wrap, unwrap }: JsonOptions) {
    this.#unwrap = unwrap === undefined ? null : parsePath(unwrap)
    this.#remove = remove.map(parsePath)
    this.#rename = Object.entries(rename).map(([path, name]) => ({ path: parsePath(path), name }))
    this.#set = Object.entries(set).map(([path, value]) => ({
      path: literal(parsePath(path)),
      value,
      template: typeof value === 'string' ? compileTemplate(value) : null,
    }))
    this.#wrap = wrap ?? null
    if (this.#unwrap !== null) literal(this.#unwrap)
  }

  /** The changed value; parts of `value` are changed in place. */
  apply(value: unknown, x: PluginExchange): unknown {
    let root = this.#unwrap === null ? value : at(value, this.#unwrap)
    for (const path of this.#remove) eachParent(root, path, 0, removeMember)
    for (const { path, name } of this.#rename) {
      eachParent(root, path, 0, (parent, old) => renameMember(parent, old, name))
    }
    for (const { path, value: fixed, template } of this.#set) {
      // A copy: a later path may lead into it, and the options are those of every request.
      const wanted = template === null ? structuredClone(fixed) : template.render(x)
      if (root === undefined || !isContainer(root)) root = {}
      setMember(root as Container, path, wanted)
    }
    if (root === undefined) root = null
    return this.#wrap === null ? root : Object.fromEntries([[this.#wrap, root]])
  }
}

/** Throws TypeError on an empty name. */
function parsePath(path: string): Path {
  const names = path.split('.')
  if (names.includes('')) throw new TypeError(`path "${path}" has an empty name: write names with "." between them`)
  if (names.length > MOST_NAMES) throw new TypeError(`path "${path}" has more than ${MOST_NAMES} names`)
  return names
}

function literal(path: Path): Path {
  if (path.includes('*')) throw new TypeError(`path "${path.join('.')}": "*" is only for remove and rename`)
  return path
}

function at(value: unknown, path: Path): unknown {
  let current = value
  for (const name of path) current = isContainer(current) ? own(current, name) : undefined
  return current
}

function own(container: object, name: string): unknown {
  return Object.hasOwn(container, name) && !isLength(container, name) ? (container as Container)[name] : undefined
}

/** The one own member of arrays that is no element. */
function isLength(container: object, name: string): boolean {
  return Array.isArray(container) && name === 'length'
}

/** Calls `change` with each object or array that has the last name of the path. `*` is every member. */
function eachParent(value: unknown, path: Path, index: number, change: (parent: object, name: string) => void): void {
  if (!isContainer(value)) return
  const name = path[index]!
  if (index === path.length - 1) {
    // From behind: removed elements do not move those that come.
    for (const each of name === '*' ? Object.keys(value).toReversed() : [name]) {
      if (Object.hasOwn(value, each) && !isLength(value, each)) change(value, each)
    }
  } else if (name === '*') {
    for (const each of Object.keys(value)) eachParent(own(value, each), path, index + 1, change)
  } else eachParent(own(value, name), path, index + 1, change)
}

function removeMember(parent: object, name: string): void {
  if (Array.isArray(parent)) parent.splice(Number(name), 1)
  else Reflect.deleteProperty(parent, name)
}

/** Elements have no name that could change. */
function renameMember(parent: object, old: string, name: string): void {
  if (Array.isArray(parent) || old === name) return
  const value = own(parent, old)
  Reflect.deleteProperty(parent, old)
  define(parent, name, value)
}

/** Objects on the way are made; what is neither object nor array on the way is replaced by one. */
function setMember(root: Container, path: Path, value: unknown): void {
  let parent: object = root
  for (let i = 0; i < path.length - 1; i++) {
    if (!mayHave(parent, path[i]!)) return
    let next = own(parent, path[i]!)
    if (!isContainer(next)) {
      next = {}
      define(parent, path[i]!, next)
    }
    parent = next as object
  }
  const last = path.at(-1)!
  if (mayHave(parent, last)) define(parent, last, value)
}

/** An array takes an element that it has, or the next one: no holes. */
function mayHave(parent: object, name: string): boolean {
  return !Array.isArray(parent) || (/^(?:0|[1-9][0-9]{0,8})$/.test(name) && Number(name) <= parent.length)
}

function define(parent: object, name: string, value: unknown): void {
  Object.defineProperty(parent, name, { value, enumerable: true, configurable: true, writable: true })
}
