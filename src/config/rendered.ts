// Values as YAML, in the form that the place where they are put asks for.
import { stringify } from 'yaml'

const OPTIONS = { lineWidth: 0, aliasDuplicateObjects: false } as const

/** Quotes that a scalar had. */
export type Quotes = 'single' | 'double' | 'none'

/** Lines of a block; ends with a line feed. The first line is not indented, the others by `indent`. */
export function asBlock(value: unknown, indent: number): string {
  const [first, ...others] = stringify(value, OPTIONS).replace(/\n$/, '').split('\n')
  const space = ' '.repeat(indent)
  return [first!, ...others.map((line) => (line === '' ? line : space + line))].join('\n') + '\n'
}

/** In one line, for a place between brackets or behind a key. `json`: as JSON has it. */
export function asFlow(value: unknown, json: boolean): string {
  if (json) return JSON.stringify(value)
  if (typeof value === 'object' && value !== null)
    return stringify(value, { ...OPTIONS, collectionStyle: 'flow' }).trimEnd()
  // Between brackets a scalar is told apart from what would end it.
  return /^\[ (.*) \]$/s.exec(stringify([value], { ...OPTIONS, collectionStyle: 'flow' }).trimEnd())![1]!
}

export function asScalar(value: unknown, quotes: Quotes, json: boolean): string {
  if (typeof value === 'string') {
    if (quotes === 'double') return JSON.stringify(value)
    if (quotes === 'single' && !/[\r\n\t]/.test(value)) return `'${value.replaceAll("'", "''")}'`
  }
  return asFlow(value, json)
}
