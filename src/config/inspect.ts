// Reads a value against a TypeBox schema: says what is wrong in words that teach, and gives the value with defaults
// filled in and units as numbers. TypeBox itself stays the judge (load.ts): this is the teacher.
import type { TSchema } from 'typebox'
import { isRecord, type Path } from './document.ts'
import { FORMAT_KEYWORD, FORMATS } from './formats.ts'
import { isLaterKey, isLaterValue, LATER } from './later.ts'
import { didYouMean } from './nearest.ts'
import { parseUnit, SECRET_KEYWORD, UNIT_EXAMPLES, UNIT_KEYWORD, type Unit } from './units.ts'

/** `onKey`: the key itself is wrong, not its value. */
export type Report = (path: Path, message: string, onKey?: boolean) => void

/** The JSON Schema keywords that are explained; any other is left to the judge. */
interface Schema {
  readonly type?: string
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly patternProperties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: boolean | Schema
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly minItems?: number
  readonly maxItems?: number
  readonly minLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly pattern?: string
  readonly description?: string
  readonly default?: unknown
  readonly [UNIT_KEYWORD]?: Unit
  readonly [SECRET_KEYWORD]?: boolean
  readonly [FORMAT_KEYWORD]?: string
}

/** Dotted form of a path: `routes[2].match.path`. */
export function dotted(path: Path): string {
  let key = ''
  for (const step of path) key += typeof step === 'number' ? `[${step}]` : key === '' ? step : `.${step}`
  return key
}

export function inspect(schema: TSchema, value: unknown, path: Path, report: Report): unknown {
  return inspectAs(schema, value, path, report)
}

function inspectAs(schema: Schema, value: unknown, path: Path, report: Report): unknown {
  if (schema.anyOf !== undefined) return inspectUnion(schema.anyOf, value, path, report)
  if (schema.const !== undefined) {
    if (value !== schema.const) report(path, refusal(path, value, `expected ${show(schema.const)}`, []))
    return value
  }
  switch (schema.type) {
    case 'object':
      return inspectObject(schema, value, path, report)
    case 'array':
      return inspectArray(schema, value, path, report)
    case 'string':
      return inspectString(schema, value, path, report)
    case 'integer':
    case 'number':
      inspectNumber(schema, value, path, report)
      return value
    case 'boolean':
      if (typeof value !== 'boolean') report(path, `expected true or false, saw ${show(value)}`)
      return value
  }
  return value
}

function refusal(path: Path, value: unknown, expected: string, names: readonly string[]): string {
  if (isLaterValue(dotted(path), value)) return `${show(value)} is ${LATER}; ${expected}`
  return `saw ${show(value)}, ${expected}${typeof value === 'string' ? didYouMean(value, names) : ''}`
}

function inspectUnion(branches: readonly Schema[], value: unknown, path: Path, report: Report): unknown {
  const constants = branches.filter((branch) => branch.const !== undefined).map((branch) => branch.const)
  if (constants.includes(value)) return value
  if (constants.length === branches.length) {
    const names = constants.filter((constant) => typeof constant === 'string')
    report(path, refusal(path, value, `expected ${list(constants.map(show))}`, names))
    return value
  }
  // The branch that the author had in mind: the same kind of value and, among objects, the most keys in common.
  const kind = kindOf(value)
  const fitting = branches.filter((branch) => branch.const === undefined && kindOfSchema(branch) === kind)
  if (fitting.length === 0) {
    report(path, `expected ${list([...new Set(branches.map(describe))])}, saw ${show(value)}`)
    return value
  }
  const keys = isRecord(value) ? Object.keys(value) : []
  const common = (branch: Schema): number => keys.filter((key) => branch.properties?.[key] !== undefined).length
  const [best] = fitting.toSorted((a, b) => common(b) - common(a))
  if (kind === 'object' && common(best!) === 0) {
    const known = fitting.flatMap((branch) => Object.keys(branch.properties ?? {}))
    const seen = keys[0] === undefined ? '{}' : `"${keys[0]}"`
    report(
      path,
      `expected ${list(known.map((key) => `{ ${key}: ... }`))}, saw ${seen}${didYouMean(keys[0] ?? '', known)}`,
    )
    return value
  }
  const unit = best![UNIT_KEYWORD]
  if (unit !== undefined && constants.length > 0 && Number.isNaN(parseUnit(unit, String(value)))) {
    report(path, `saw ${show(value)}, expected ${list([...constants.map(show), describe(best!)])}`)
    return value
  }
  return inspectAs(best!, value, path, report)
}

function inspectObject(schema: Schema, value: unknown, path: Path, report: Report): unknown {
  if (!isRecord(value)) {
    report(path, `expected ${describe(schema)}, saw ${show(value)}`)
    return value
  }
  const properties = schema.properties ?? {}
  const [anyName] = Object.values(schema.patternProperties ?? {})
  const result: Record<string, unknown> = {}
  for (const [key, entry] of Object.entries(value)) {
    const known = Object.hasOwn(properties, key) ? properties[key] : anyName
    const at = [...path, key]
    if (known !== undefined) result[key] = inspectAs(known, entry, at, report)
    else if (schema.additionalProperties !== false) result[key] = entry
    else if (isLaterKey(dotted(at))) report(at, `"${key}" is ${LATER}`, true)
    else
      report(
        at,
        `unknown key "${key}"${didYouMean(key, Object.keys(properties)) || `; known: ${Object.keys(properties).join(', ')}`}`,
        true,
      )
  }
  for (const key of schema.required ?? []) {
    if (Object.hasOwn(value, key)) continue
    const what = properties[key]?.description
    report(path, `"${key}" is missing${what === undefined ? '' : ` (${what})`}`)
  }
  for (const [key, property] of Object.entries(properties)) {
    if (property.default === undefined || Object.hasOwn(value, key)) continue
    result[key] = inspectAs(property, property.default, [...path, key], report)
  }
  return result
}

function inspectArray(schema: Schema, value: unknown, path: Path, report: Report): unknown {
  if (!Array.isArray(value)) {
    report(path, `expected a list, saw ${show(value)}`)
    return value
  }
  if (schema.minItems !== undefined && value.length < schema.minItems)
    report(path, 'the list is empty; at least one entry is needed')
  if (schema.maxItems !== undefined && value.length > schema.maxItems)
    report(path, `the list has more than ${schema.maxItems} entries`)
  return value.map((entry, i) => inspectAs(schema.items ?? {}, entry, [...path, i], report))
}

function inspectString(schema: Schema, value: unknown, path: Path, report: Report): unknown {
  const unit = schema[UNIT_KEYWORD]
  if (unit !== undefined) return inspectUnit(unit, value, path, report)
  if (typeof value !== 'string') {
    const plain = typeof value === 'number' || typeof value === 'boolean'
    // These lines go to logs: a secret that was written without quotes must not.
    if (schema[SECRET_KEYWORD] === true) report(path, plain ? 'expected text: put it in quotes' : 'expected text')
    else report(path, `expected text, saw ${show(value)}${plain ? `; put it in quotes: "${value}"` : ''}`)
    return value
  }
  if (schema.minLength !== undefined && value.length < schema.minLength)
    report(path, value === '' ? 'the text is empty' : `the text has fewer than ${schema.minLength} characters`)
  else if (schema.pattern !== undefined && !new RegExp(schema.pattern).test(value)) {
    report(
      path,
      `${schema[SECRET_KEYWORD] === true ? 'it' : show(value)} does not have the form ${schema.description ?? schema.pattern}`,
    )
  }
  const format = schema[FORMAT_KEYWORD]
  const problem = format === undefined ? '' : (FORMATS[format]?.(value) ?? '')
  if (problem !== '') report(path, problem)
  return value
}

function inspectUnit(unit: Unit, value: unknown, path: Path, report: Report): unknown {
  const parsed = typeof value === 'string' ? parseUnit(unit, value) : NaN
  if (!Number.isNaN(parsed)) return parsed
  report(
    path,
    `saw ${show(value)}, expected a ${unit} such as ${UNIT_EXAMPLES[unit]}${unitHint(unit, show(value).replaceAll('"', ''))}`,
  )
  return value
}

const SPELLINGS: Readonly<Record<string, string>> = {
  '': 'ms',
  sec: 's',
  secs: 's',
  second: 's',
  seconds: 's',
  min: 'm',
  mins: 'm',
  minute: 'm',
  minutes: 'm',
  hour: 'h',
  hours: 'h',
  msec: 'ms',
  milliseconds: 'ms',
  k: 'KiB',
  kb: 'KiB',
  kib: 'KiB',
  m: 'MiB',
  mb: 'MiB',
  mib: 'MiB',
  g: 'GiB',
  gb: 'GiB',
  gib: 'GiB',
  b: 'B',
  bytes: 'B',
  rps: '/s',
  '/sec': '/s',
  '/second': '/s',
  '/min': '/m',
  '/minute': '/m',
  '/hour': '/h',
}

function unitHint(unit: Unit, text: string): string {
  const match = /^\s*(\d+(?:\.\d+)?)\s*(%|\/?\s*[A-Za-z]*)\s*$/.exec(text)
  if (match === null) return ''
  const spelled = match[2]!.toLowerCase().replaceAll(' ', '')
  const suffix =
    spelled === '' ? { duration: 'ms', size: 'B', rate: '/s', share: '%' }[unit] : (SPELLINGS[spelled] ?? spelled)
  const guess = match[1]! + suffix
  return Number.isNaN(parseUnit(unit, guess)) ? '' : `; did you mean "${guess}"?`
}

function inspectNumber(schema: Schema, value: unknown, path: Path, report: Report): void {
  const noun = schema.type === 'integer' ? 'a whole number' : 'a number'
  const { minimum, maximum } = schema
  const range =
    minimum !== undefined && maximum !== undefined
      ? ` from ${minimum} to ${maximum}`
      : minimum !== undefined
        ? ` of at least ${minimum}`
        : maximum !== undefined
          ? ` of at most ${maximum}`
          : ''
  const fits =
    typeof value === 'number' &&
    (schema.type === 'integer' ? Number.isSafeInteger(value) : Number.isFinite(value)) &&
    value >= (minimum ?? -Infinity) &&
    value <= (maximum ?? Infinity)
  if (!fits) report(path, `expected ${noun}${range}, saw ${show(value)}`)
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value
}

function kindOfSchema({ type }: Schema): string {
  return type === 'integer' ? 'number' : (type ?? '')
}

function describe(schema: Schema): string {
  if (schema.const !== undefined) return show(schema.const)
  const unit = schema[UNIT_KEYWORD]
  if (unit !== undefined) return `a ${unit}`
  const nouns: Readonly<Record<string, string>> = {
    object: 'a mapping (key: value)',
    array: 'a list',
    string: 'text',
    integer: 'a whole number',
    number: 'a number',
    boolean: 'true or false',
  }
  return nouns[schema.type ?? ''] ?? 'something else'
}

/** A value as its author wrote it, shortened. */
export function show(value: unknown): string {
  if (value === undefined || value === null) return 'nothing'
  if (isRecord(value)) return 'a mapping'
  if (Array.isArray(value)) return 'a list'
  const text = typeof value === 'number' || typeof value === 'boolean' ? `${value}` : JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

function list(parts: readonly string[]): string {
  return parts.length < 2 ? (parts[0] ?? '') : `${parts.slice(0, -1).join(', ')} or ${parts.at(-1)}`
}
