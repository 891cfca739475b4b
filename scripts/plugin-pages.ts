// The parts of docs/plugins that follow from the plugins themselves: the table of all, and the options of each. They stand
// between marks in pages whose words are written by hand.
import type { TSchema } from 'typebox'
import type { Plugin } from '../src/contract/plugin.ts'

interface Node {
  readonly type?: string
  readonly description?: string
  readonly default?: unknown
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly properties?: Readonly<Record<string, Node>>
  readonly required?: readonly string[]
  readonly items?: Node
  readonly anyOf?: readonly Node[]
}

export function pluginTable(plugins: readonly Plugin[]): string {
  const rows = plugins
    .toSorted((a, b) => a.order - b.order || (a.name < b.name ? -1 : 1))
    .map(({ name, order, summary }) => `| [${name}](${name}.md) | ${order} | ${cell(summary)} |`)
  return ['| plugin | order | what it does |', '| --- | --- | --- |', ...rows].join('\n')
}

export function optionTable({ schema }: Plugin): string {
  const rows = [...options(JSON.parse(JSON.stringify(schema)) as Node & TSchema, '')]
  if (rows.length === 0) return 'It has no options.'
  return ['| option | default | meaning |', '| --- | --- | --- |', ...rows].join('\n')
}

/** A row for each property, those of objects and of arrays of objects with dotted names. */
function* options(node: Node, prefix: string): Generator<string> {
  for (const [name, option] of Object.entries(node.properties ?? {})) {
    const path = prefix + name
    const required = node.required?.includes(name) ?? false
    const value = required ? 'required' : option.default === undefined ? '' : `\`${JSON.stringify(option.default)}\``
    const meaning = [option.description ?? '', choices(option)].filter((text) => text !== '').join('; ')
    const nested = objectsIn(option)
    if (meaning !== '' || nested.length === 0) yield `| \`${path}\` | ${value.replaceAll('"', '')} | ${cell(meaning)} |`
    for (const { object, suffix } of nested) yield* options(object, `${path}${suffix}.`)
  }
}

function objectsIn(option: Node): { readonly object: Node; readonly suffix: string }[] {
  if (option.properties !== undefined) return [{ object: option, suffix: '' }]
  if (option.items?.properties !== undefined) return [{ object: option.items, suffix: '[]' }]
  return (option.anyOf ?? []).flatMap(objectsIn)
}

function choices({ enum: values, anyOf, items }: Node): string {
  const constants = values ?? anyOf?.filter((each) => each.const !== undefined).map((each) => each.const) ?? []
  if (constants.length > 0) return constants.map((each) => `\`${String(each)}\``).join(', ')
  return items === undefined ? '' : choices(items)
}

function cell(text: string): string {
  return text.replaceAll('|', String.raw`\|`)
}

/** `text` with `part` between the two marks. Throws when they are not there. */
export function between(text: string, what: string, part: string): string {
  const [start, end] = [`<!-- ${what} -->`, `<!-- end of ${what} -->`]
  const [from, to] = [text.indexOf(start), text.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`the page has no "${start}" with "${end}" behind it`)
  return `${text.slice(0, from + start.length)}\n\n${part}\n\n${text.slice(to)}`
}
