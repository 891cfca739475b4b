// A YAML text with the position of everything in it, and environment variables put in.
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument as parseYaml,
  visit,
  type Document,
  type Node,
  type Scalar,
} from 'yaml'
import type { Problem } from './problem.ts'

export type Path = readonly (string | number)[]

export interface Position {
  /** 1-based. */
  readonly line: number
  readonly column: number
}

export interface ConfigDocument {
  readonly file: string
  /** Plain data; undefined when the text is no YAML. */
  readonly value: unknown
  /** What is wrong with the text itself, and variables that are missing. */
  readonly problems: readonly Problem[]
  /** Best effort, before validation: plugins must be loaded before their options can be checked. */
  readonly pluginDirectories: readonly string[]
  /** Where something is written: the value at `path`, or its key; the nearest parent of what is not there. */
  at(path: Path, onKey?: boolean): Position
}

/** Aliases may make a small text large: this many are followed. */
const MOST_ALIASES = 100

/** `$${` is a literal `${`. */
const VARIABLE = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\$\{/g

export type Environment = Readonly<Record<string, string | undefined>>

/** Never throws: what is wrong is in `problems`. `env` null: the text may not read the environment. */
export function parseDocument(text: string, file: string, env: Environment | null): ConfigDocument {
  const lines = new LineCounter()
  const document = parseYaml(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true })
  const position = (offset: number): Position => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  // One error of syntax makes many that follow from it: the first is the one to mend. Keys that are twice stand alone.
  const errors = document.errors.filter(({ code }, i) => i === 0 || code === 'DUPLICATE_KEY')
  const problems: Problem[] = [...errors, ...document.warnings].map((error) => ({
    file,
    ...position(error.pos[0]),
    key: '',
    message: describeYamlError(error.code, error.message, text.slice(0, error.pos[0])),
  }))
  visit(document, {
    Alias(_key, node) {
      if (node.resolve(document) !== undefined) return
      const message = `invalid YAML: there is no anchor &${node.source} before this alias`
      problems.push({ file, ...position(node.range?.[0] ?? 0), key: '', message })
    },
    Scalar(_key, node) {
      if (typeof node.value !== 'string' || !node.value.includes('${')) return
      substitute(node, env, (message) => problems.push({ file, ...position(node.range?.[0] ?? 0), key: '', message }))
    },
  })
  let value: unknown
  try {
    if (problems.every(({ message }) => !message.startsWith('invalid YAML')))
      value = document.toJS({ maxAliasCount: MOST_ALIASES })
  } catch (error) {
    problems.push({ file, line: 1, column: 1, key: '', message: `invalid YAML: ${(error as Error).message}` })
  }
  return {
    file,
    value,
    problems,
    pluginDirectories: pluginDirectories(value),
    at: (path, onKey = false) => position(locate(document, path, onKey)),
  }
}

function describeYamlError(code: string, message: string, before: string): string {
  if (code === 'DUPLICATE_KEY') return 'this key is here twice; keep one of them'
  if (code === 'TAB_AS_INDENT') return 'invalid YAML: a tab cannot indent; use spaces'
  const hint = before.endsWith('$') ? '; inside { } or [ ] a variable needs quotes: "${NAME}"' : ''
  return `invalid YAML: ${message}${hint}`
}

function substitute(node: Scalar, env: Environment | null, report: (message: string) => void): void {
  const before = node.value as string
  const after = before.replace(VARIABLE, (whole: string, name: string | undefined, fallback: string | undefined) => {
    if (whole === '$${') return '${'
    if (env === null) {
      report('variables are replaced in the file of a gateway only; write $${ for the characters themselves')
      return whole
    }
    if (name === undefined) {
      report('"${" begins a variable: write ${NAME}, ${NAME:-default}, or $${ for the characters themselves')
      return whole
    }
    const value = env[name]
    if (value !== undefined && (value !== '' || fallback === undefined)) return value
    if (fallback !== undefined) return fallback
    report(`environment variable ${name} is not set; set it, or give a default: \${${name}:-default}`)
    return whole
  })
  // A plain scalar that is nothing but a variable is read again as YAML would: `weight: ${WEIGHT}` is a number.
  const whole = /^\$\{[^}]*\}$/.test(before) && node.type === 'PLAIN'
  const reread = whole ? (parseYaml(after).contents as Node | null) : null
  node.value = isScalar(reread) ? reread.value : after
}

function pluginDirectories(value: unknown): string[] {
  const list: unknown = isRecord(value) ? value['pluginDirectories'] : undefined
  return Array.isArray(list) ? list.filter((entry) => typeof entry === 'string') : []
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Offset of the node at `path`, or of its nearest parent. */
function locate(document: Document, path: Path, onKey: boolean): number {
  let node: unknown = document.contents
  let offset = startOf(node)
  for (const [depth, step] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document)
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => String(isScalar(key) ? key.value : key) === String(step))
      if (pair === undefined) return offset
      const last = depth === path.length - 1
      // A value that is not written (`key:`) has no place of its own.
      const missing = pair.value === null || (isScalar(pair.value) && pair.value.range?.[0] === pair.value.range?.[1])
      node = pair.value
      offset = startOf((last && onKey) || missing ? pair.key : pair.value)
    } else if (isSeq(node)) {
      node = node.items[Number(step)]
      if (node === undefined) return offset
      offset = startOf(node)
    } else return offset
  }
  return offset
}

function startOf(node: unknown): number {
  return (node as Node | null | undefined)?.range?.[0] ?? 0
}
