// Changes in a YAML text that leave everything else as it was written: comments, order, quotes, variables.
import { parseDocument as parseYaml, type Document } from 'yaml'
import { isEqual } from './difference.ts'
import { isRecord, type Path } from './document.ts'
import { asBlock } from './rendered.ts'
import { rewritten } from './rewrite.ts'

/** The change cannot be made in this text. */
export class EditRefusal extends Error {}

export interface Edit {
  readonly path: Path
  /** undefined: it goes. */
  readonly value: unknown
}

/** As document.ts: aliases may make a small text large. */
const MOST_ALIASES = 100

/** The value as it is written: variables are not replaced. Throws EditRefusal when the text is no YAML. */
export function writtenValue(text: string): unknown {
  return valueOf(parsed(text))
}

/** Sets or removes what is at some paths. Throws EditRefusal. */
export function editText(text: string, edits: readonly Edit[]): string {
  return changeText(text, (value) => edits.reduce((so, { path, value: wanted }) => edited(so, path, wanted), value))
}

/** The same text with the value that `change` makes of the one that is written. Throws EditRefusal. */
export function changeText(text: string, change: (written: unknown) => unknown): string {
  const document = parsed(text)
  const present = valueOf(document)
  return rewrite(text, document, present, change(present))
}

/** The same text with this value (variables not replaced), changed only where it differs. Throws EditRefusal. */
export function rewriteText(text: string, wanted: unknown): string {
  return changeText(text, () => wanted)
}

function rewrite(text: string, document: Document.Parsed, present: unknown, wanted: unknown): string {
  if (isEqual(present, wanted)) return text
  const root = document.contents
  const next = root === null ? asBlock(wanted, 0) : rewritten(text, root, present, wanted)
  // Anchors may tie to each other what is to differ: then no part of the text can be changed alone.
  if (isEqual(writtenValueOrNothing(next), wanted)) return next
  throw new EditRefusal(
    'this text cannot be changed in place (anchors, tags or keys of an unusual form): write it anew',
  )
}

function parsed(text: string): Document.Parsed {
  const document = parseYaml(text, { prettyErrors: false, uniqueKeys: true, keepSourceTokens: true })
  const [error] = document.errors
  if (error !== undefined) throw new EditRefusal(`the text is no valid YAML: ${error.message}`)
  return document
}

function valueOf(document: Document.Parsed): unknown {
  try {
    return document.toJS({ maxAliasCount: MOST_ALIASES })
  } catch (error) {
    throw new EditRefusal(`the text is no valid YAML: ${(error as Error).message}`)
  }
}

function writtenValueOrNothing(text: string): unknown {
  try {
    return writtenValue(text)
  } catch {
    return undefined
  }
}

/** A copy with the value at `path`; what is not on the way is shared. */
export function edited(value: unknown, [step, ...rest]: Path, wanted: unknown): unknown {
  if (step === undefined) return wanted
  if (typeof step === 'number') {
    const list: readonly unknown[] = Array.isArray(value) ? value : []
    const entry = edited(list[step], rest, wanted)
    if (entry === undefined) return list.toSpliced(step, 1)
    return step < list.length ? list.with(step, entry) : [...list, entry]
  }
  const { [step]: before, ...others } = isRecord(value) ? value : {}
  const entry = edited(before, rest, wanted)
  if (entry === undefined) return others
  return isRecord(value) ? { ...value, [step]: entry } : { [step]: entry }
}
