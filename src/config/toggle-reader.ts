// Plugins as they are written somewhere -> toggles with validated options.
import type { TSchema } from 'typebox'
import Value from 'typebox/value'
import { isRecord, type Path, type Position } from './document.ts'
import { inspect, show, type Report } from './inspect.ts'
import { deepFreeze } from './frozen.ts'
import { isLaterPlugin, LATER } from './later.ts'
import { didYouMean } from './nearest.ts'
import { pointer } from './pointer.ts'
import type { Origin, Toggle, ToggleValue } from './toggles.ts'

/** What the loader needs to know of a plugin. */
export interface PluginSchema {
  readonly name: string
  readonly schema: TSchema
}

export type PluginSchemas = ReadonlyMap<string, PluginSchema>

/** Where something is written, and who is told what is wrong with it. */
export interface Place {
  /** Absent: the configuration file. */
  readonly file?: string
  at(path: Path, onKey?: boolean): Position
  /** Dotted form of a path. */
  key(path: Path): string
  readonly report: Report
  /** What has not changed is written somewhere else now. */
  moved(origin: Origin, now: Origin): void
}

export class ToggleReader {
  readonly plugins: PluginSchemas
  readonly #defaults = new Map<string, unknown>()

  constructor(plugins: PluginSchemas) {
    this.plugins = plugins
  }

  /** Are these the plugins that it was made for? */
  knows(plugins: PluginSchemas): boolean {
    if (plugins.size !== this.plugins.size) return false
    for (const [name, plugin] of plugins) if (this.plugins.get(name) !== plugin) return false
    return true
  }

  /** Reads what is written at `path`: plugin names with options, on or off. */
  read(value: unknown, path: Path, place: Place): Toggle[] {
    if (!isRecord(value)) return [] // the schema has said so already
    const where = place.key(path)
    return Object.entries(value).flatMap(([plugin, written]) => {
      const at = [...path, plugin]
      const schema = this.plugins.get(plugin)
      if (schema === undefined) {
        this.unknown(plugin, at, place.report)
        return []
      }
      const toggle = this.#value(schema, written, at, place.report)
      const { line, column } = place.at(at, true)
      const file = place.file === undefined ? {} : { file: place.file }
      return [{ plugin, value: toggle, origin: { where, line, column, ...file } }]
    })
  }

  unknown(plugin: string, at: Path, report: Report): void {
    if (isLaterPlugin(plugin)) return report(at, `plugin "${plugin}" is ${LATER}`, true)
    const names = [...this.plugins.keys()]
    report(at, `there is no plugin "${plugin}"${didYouMean(plugin, names) || `; known: ${names.join(', ')}`}`, true)
  }

  #value({ schema }: PluginSchema, written: unknown, at: Path, report: Report): ToggleValue {
    if (written === 'off' || written === false) return 'off'
    if (written === 'on' || written === true) return 'on'
    if (!isRecord(written)) {
      const hint = typeof written === 'string' ? didYouMean(written, ['on', 'off']) : ''
      report(at, `expected options (a mapping; {} for the defaults), on or off, saw ${show(written)}${hint}`)
      return 'off'
    }
    return { options: deepFreeze(options(schema, written, at, report)) }
  }

  /** undefined when the plugin cannot do without options. */
  defaults(plugin: string): unknown {
    if (!this.#defaults.has(plugin)) {
      let complete = true
      const filled = options(this.plugins.get(plugin)!.schema, {}, [], () => (complete = false))
      this.#defaults.set(plugin, complete ? deepFreeze(filled) : undefined)
    }
    return this.#defaults.get(plugin)
  }
}

function options(schema: TSchema, written: unknown, at: Path, report: Report): unknown {
  let faultless = true
  const filled = inspect(schema, written, at, (...problem) => {
    faultless = false
    report(...problem)
  })
  if (faultless)
    for (const error of Value.Errors(schema, written)) report([...at, ...pointer(error.instancePath)], error.message)
  return filled
}
