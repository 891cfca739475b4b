// `/users/{id}` and `https://{host}{path}?{query}`: texts with placeholders, split once and joined per request.
import { portOf } from '../base/host.ts'
import type { Exchange } from '../contract/exchange.ts'
import type { LocationBuilder, PathRewrite } from '../contract/snapshot.ts'

type Part = (x: Exchange) => string

const PLACEHOLDER = /\{([A-Za-z_][A-Za-z0-9_]*)\}/

const BUILT_IN: Record<string, Part> = {
  scheme: (x) => x.scheme,
  host: (x) => x.host,
  port: (x) => portOf(x.authority),
  path: (x) => x.path,
  query: (x) => x.search.slice(1),
}

function parts(template: string, parameters: readonly string[], builtIn: Record<string, Part>): Part[] {
  return template.split(/(\{[^{}]*\})/).map((text): Part => {
    const name = PLACEHOLDER.exec(text)?.[1]
    if (name === undefined) return () => text
    const index = parameters.indexOf(name)
    if (index >= 0) return (x) => x.path.slice(x.offsets[index * 2], x.offsets[index * 2 + 1])
    return builtIn[name] ?? (() => '')
  })
}

function join(x: Exchange, pieces: readonly Part[]): string {
  let text = ''
  for (let i = 0; i < pieces.length; i++) text += pieces[i]!(x)
  return text
}

/** The path of the upstream request: parameters inserted as they stand in the canonical path, the query kept. */
export function compilePathTemplate(template: string, parameters: readonly string[]): PathRewrite {
  const pieces = parts(template, parameters, {})
  return (x) => join(x, pieces) + x.search
}

/** The path without a prefix of whole segments; a path that does not have it stays as it is. */
export function compileStripPrefix(prefix: string): PathRewrite {
  const bare = prefix.endsWith('/') ? prefix.slice(0, -1) : prefix
  return (x) => {
    const { path } = x
    if (!path.startsWith(bare)) return path + x.search
    if (path.length === bare.length) return '/' + x.search
    return path.charCodeAt(bare.length) === SLASH ? path.slice(bare.length) + x.search : path + x.search
  }
}

/** Location of a redirect. `?{query}` vanishes with its mark when there is no query. */
export function compileLocation(template: string, parameters: readonly string[]): LocationBuilder {
  const [before, after] = template.split('?{query}', 2)
  const head = parts(before!, parameters, BUILT_IN)
  if (after === undefined) return (x) => join(x, head)
  const tail = parts(after, parameters, BUILT_IN)
  return (x) => join(x, head) + x.search + join(x, tail)
}

const SLASH = 47
