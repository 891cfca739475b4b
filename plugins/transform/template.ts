// Texts with placeholders, `{header.x-tenant}` or `{consumer}`: split once, joined per request.
import { memberAt } from '../../src/base/claim.ts'
import { fieldName } from '../../src/base/headers.ts'
import type { Claims, PluginExchange } from '../../src/contract/plugin.ts'

export interface Template {
  /** What stands around the placeholders. */
  readonly literal: string
  render(x: PluginExchange): string
}

type Part = string | ((x: PluginExchange) => string)

const SIMPLE: Readonly<Record<string, (x: PluginExchange) => string>> = {
  consumer: (x) => x.consumer,
  requestId: (x) => x.requestId,
  clientIp: (x) => x.clientIp,
  method: (x) => x.method,
  path: (x) => x.path,
}
const KNOWN =
  '{header.NAME}, {claim.PATH}, {consumer}, {requestId}, {clientIp}, {method}, {path}, {param.NAME} or {query.NAME}'

/** Throws TypeError on a placeholder that is not known. `{{` and `}}` are braces. */
export function compileTemplate(text: string): Template {
  const parts: Part[] = []
  for (const [piece] of text.matchAll(/\{\{|\}\}|\{[^{}]*\}|[{}]|[^{}]+/g)) {
    if (piece === '{{' || piece === '}}') parts.push(piece[0]!)
    else if (piece === '{' || piece === '}') throw new TypeError(`"${text}": write "${piece}${piece}" for a brace`)
    else parts.push(piece.startsWith('{') ? placeholder(piece.slice(1, -1), text) : piece)
  }
  const literal = parts.filter((part) => typeof part === 'string').join('')
  const fixed = parts.every((part) => typeof part === 'string')
  return { literal, render: fixed ? () => literal : (x) => join(parts, x) }
}

function join(parts: readonly Part[], x: PluginExchange): string {
  let text = ''
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!
    text += typeof part === 'string' ? part : part(x)
  }
  return text
}

function placeholder(name: string, text: string): Part {
  if (Object.hasOwn(SIMPLE, name)) return SIMPLE[name]!
  const dot = name.indexOf('.')
  const rest = name.slice(dot + 1)
  if (dot > 0 && rest !== '') {
    switch (name.slice(0, dot)) {
      case 'header': {
        const header = fieldName(rest)
        return (x) => x.header(header)
      }
      case 'claim': {
        const path = rest.split('.')
        return (x) => claim(x.claims, path)
      }
      case 'param':
        return (x) => x.param(rest)
      case 'query':
        return (x) => x.queryParameter(rest) ?? ''
    }
  }
  throw new TypeError(`"${text}": {${name}} is not known; use ${KNOWN}`)
}

/** A claim that is text, a number or a boolean; '' for others and for what is not there. Only own members count. */
function claim(claims: Claims | null, path: readonly string[]): string {
  const value = memberAt(claims, path, true)
  return typeof value === 'string'
    ? value
    : typeof value === 'number' || typeof value === 'boolean'
      ? String(value)
      : ''
}
