// A document -> a valid configuration, or every problem that it has, each where it was written.
import type { TSchema } from 'typebox'
import Value from 'typebox/value'
import { compareSpecificity, parsePathPattern, type PathPattern } from '../base/path-pattern.ts'
import { isRecord, type ConfigDocument, type Path } from './document.ts'
import { pathPatternProblem } from './formats.ts'
import { dotted, inspect, show, type Report } from './inspect.ts'
import { isLaterPlugin, LATER } from './later.ts'
import { didYouMean } from './nearest.ts'
import type { Problem } from './problem.ts'
import { checkReferences } from './references.ts'
import { GatewaySchema, type GatewayConfig } from './schema.ts'
import type { Toggle, ToggleValue } from './toggles.ts'

/** What the loader needs to know of a plugin. */
export interface PluginSchema {
  readonly name: string
  readonly schema: TSchema
}

export interface PathToggles {
  readonly pattern: PathPattern
  readonly toggles: readonly Toggle[]
}

export interface ValidConfig {
  /** Units are numbers, defaults are filled in, variables replaced; deeply frozen. */
  readonly config: GatewayConfig
  readonly toggles: {
    readonly global: readonly Toggle[]
    /** Least specific first. */
    readonly paths: readonly PathToggles[]
    /** By route index. */
    readonly routes: readonly (readonly Toggle[])[]
  }
  /** Options of a plugin that is only switched on. */
  readonly defaults: (plugin: string) => unknown
}

export type Loaded =
  { readonly ok: true; readonly config: ValidConfig } | { readonly ok: false; readonly problems: readonly Problem[] }

/** Never throws on bad input. */
export function loadConfig(document: ConfigDocument, plugins: ReadonlyMap<string, PluginSchema>): Loaded {
  const problems: Problem[] = [...document.problems]
  const report: Report = (path, message, onKey = false) =>
    void problems.push({ file: document.file, ...document.at(path, onKey), key: dotted(path), message })
  const { value } = document
  if (value === undefined || value === null) {
    if (problems.length === 0) report([], 'the file is empty; a configuration begins with "version: 1"')
    return { ok: false, problems }
  }
  const config = inspect(GatewaySchema, value, [], report) as GatewayConfig
  const reader = new ToggleReader(document, plugins, report)
  const raw = isRecord(value) ? value : {}
  const global = reader.read(raw['plugins'], ['plugins'])
  const paths = readPaths(raw['paths'], reader, report)
  const routes = (Array.isArray(raw['routes']) ? (raw['routes'] as unknown[]) : []).map((route, i) =>
    isRecord(route) ? reader.read(route['plugins'], ['routes', i, 'plugins']) : [],
  )
  if (isRecord(value)) checkReferences(value, report)
  if (isRecord(raw['pluginOrder'])) {
    for (const name of Object.keys(raw['pluginOrder'])) {
      if (!plugins.has(name)) reader.unknown(name, ['pluginOrder', name])
    }
  }
  // The teacher above may not know a keyword; the judge has the last word.
  if (problems.length === 0) {
    for (const error of Value.Errors(GatewaySchema, value)) report(pointer(error.instancePath), error.message)
  }
  if (problems.length > 0) return { ok: false, problems: inOrder(problems) }
  const defaults = (plugin: string): unknown => reader.defaults(plugin)
  return { ok: true, config: { config: deepFreeze(config), toggles: { global, paths, routes }, defaults } }
}

function readPaths(value: unknown, reader: ToggleReader, report: Report): PathToggles[] {
  if (!isRecord(value)) return []
  const read: PathToggles[] = []
  for (const [source, toggles] of Object.entries(value)) {
    const problem = pathPatternProblem(source)
    if (problem !== '') report(['paths', source], problem, true)
    const list = reader.read(toggles, ['paths', source])
    if (problem === '') read.push({ pattern: parsePathPattern(source) as PathPattern, toggles: list })
  }
  return read.toSorted((a, b) => compareSpecificity(a.pattern, b.pattern))
}

class ToggleReader {
  readonly #document: ConfigDocument
  readonly #plugins: ReadonlyMap<string, PluginSchema>
  readonly #report: Report
  readonly #defaults = new Map<string, unknown>()

  constructor(document: ConfigDocument, plugins: ReadonlyMap<string, PluginSchema>, report: Report) {
    this.#document = document
    this.#plugins = plugins
    this.#report = report
  }

  /** What is written at `path`: plugin names with options, on or off. */
  read(value: unknown, path: Path): Toggle[] {
    if (!isRecord(value)) return [] // the schema has said so already
    return Object.entries(value).flatMap(([plugin, written]) => {
      const at = [...path, plugin]
      const schema = this.#plugins.get(plugin)
      if (schema === undefined) {
        this.unknown(plugin, at)
        return []
      }
      const toggle = this.#value(schema, written, at)
      const { line, column } = this.#document.at(at, true)
      return [{ plugin, value: toggle, origin: { where: dotted(path), line, column } }]
    })
  }

  unknown(plugin: string, at: Path): void {
    if (isLaterPlugin(plugin)) return this.#report(at, `plugin "${plugin}" is ${LATER}`, true)
    const names = [...this.#plugins.keys()]
    this.#report(
      at,
      `there is no plugin "${plugin}"${didYouMean(plugin, names) || `; known: ${names.join(', ')}`}`,
      true,
    )
  }

  #value({ name, schema }: PluginSchema, written: unknown, at: Path): ToggleValue {
    if (written === 'off' || written === false) return 'off'
    if (written === 'on' || written === true) {
      if (this.#needsOptions(name)) this.#checkInherited(name, at)
      return 'on'
    }
    if (!isRecord(written)) {
      const hint = typeof written === 'string' ? didYouMean(written, ['on', 'off']) : ''
      this.#report(at, `expected options (a mapping; {} for the defaults), on or off, saw ${show(written)}${hint}`)
      return 'off'
    }
    return { options: deepFreeze(this.#options(schema, written, at, this.#report)) }
  }

  #options(schema: TSchema, written: unknown, at: Path, report: Report): unknown {
    let faultless = true
    const options = inspect(schema, written, at, (...problem) => {
      faultless = false
      report(...problem)
    })
    if (faultless)
      for (const error of Value.Errors(schema, written)) report([...at, ...pointer(error.instancePath)], error.message)
    return options
  }

  #needsOptions(name: string): boolean {
    return this.defaults(name) === undefined
  }

  /** `on` without options anywhere, for a plugin that cannot do without. */
  #checkInherited(name: string, at: Path): void {
    const root = this.#document.value as Record<string, unknown>
    const layers = [root['plugins'], ...(isRecord(root['paths']) ? Object.values(root['paths']) : [])]
    const inherited = layers.some((layer) => isRecord(layer) && isRecord(layer[name]))
    if (!inherited)
      this.#report(at, `plugin "${name}" has required options, and nothing that this could switch on again`)
  }

  /** undefined when the plugin cannot do without options. */
  defaults(plugin: string): unknown {
    if (!this.#defaults.has(plugin)) {
      let complete = true
      const options = this.#options(this.#plugins.get(plugin)!.schema, {}, [], () => (complete = false))
      this.#defaults.set(plugin, complete ? deepFreeze(options) : undefined)
    }
    return this.#defaults.get(plugin)
  }
}

/** JSON pointer -> path. */
function pointer(text: string): (string | number)[] {
  return text
    .split('/')
    .slice(1)
    .map((step) => (/^\d+$/.test(step) ? Number(step) : step.replaceAll('~1', '/').replaceAll('~0', '~')))
}

/** By position; the same words at the same place once. */
function inOrder(problems: readonly Problem[]): Problem[] {
  const seen = new Set<string>()
  return problems
    .filter(({ line, column, message }) => {
      const key = `${line}:${column}:${message}`
      return !seen.has(key) && seen.add(key)
    })
    .toSorted((a, b) => a.line - b.line || a.column - b.column)
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const entry of Object.values(value)) deepFreeze(entry)
  }
  return value
}
