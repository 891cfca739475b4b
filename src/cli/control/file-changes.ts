// Two files, compared as they are written: neither the environment nor the plugins of a gateway are here.
import { LineCounter, parseDocument, type Document } from 'yaml'
import { diffConfigs, type Change } from '../../config/diff.ts'
import { isRecord } from '../../config/document.ts'
import { TargetFailure, type ConfigText } from './target.ts'

/** Aliases may make a small text large: this many are followed. */
const MOST_ALIASES = 100

/** Rejects with TargetFailure. */
export async function compareFiles(before: ConfigText, after: ConfigText): Promise<Change[]> {
  return diffWritten(writtenValue(before), writtenValue(after))
}

/** The plugins that come with the gateway say which of their options are secrets. */
export async function diffWritten(before: unknown, after: unknown): Promise<Change[]> {
  const { builtInPlugins } = await import('../../live-state.ts') // a whole gateway, for those who need it
  const plugins = await builtInPlugins()
  return diffConfigs(before, after, new Map(plugins.map((plugin) => [plugin.name, plugin])))
}

/** Plain data, variables and all. Throws TargetFailure. */
export function writtenValue({ file, text }: ConfigText): Readonly<Record<string, unknown>> {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true })
  // One error of syntax makes many that follow from it. Keys that are twice stand alone.
  const errors = document.errors.filter(({ code }, i) => i === 0 || code === 'DUPLICATE_KEY')
  const problems = errors.map(({ pos, message }) => {
    const { line, col } = lines.linePos(pos[0])
    return { file, line, column: col, key: '', message: `invalid YAML: ${message}` }
  })
  if (problems.length > 0) throw new TargetFailure(`${file} cannot be read as YAML`, problems)
  const value = plain(document, file) ?? {}
  if (isRecord(value)) return value
  throw new TargetFailure(`${file} is no configuration: it has no keys at its top`)
}

function plain(document: Document, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: MOST_ALIASES }) as unknown
  } catch (error) {
    throw new TargetFailure(`${file}: invalid YAML: ${(error as Error).message}`)
  }
}
