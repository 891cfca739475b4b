// A text that comes to a configuration given whole, as far as that differs from the one in force: what is not said anew
// stays as it was written, with its variables, secrets and comments.
import { matchEntries } from './alike.ts'
import { CONCEALED } from './concealed.ts'
import { isEqual } from './difference.ts'
import { isRecord, type Path } from './document.ts'
import { EditRefusal, rewriteText, writtenValue } from './edit.ts'
import { dotted } from './inspect.ts'

/**
 * `present`: what the text comes to now, as the admin API shows it: defaults filled in, variables replaced, secrets `***`.
 * `wanted`: the same with changes; `***` stands for what is there. Throws EditRefusal.
 */
export function replaceText(text: string, wanted: unknown, present: unknown): string {
  return rewriteText(text, merged(writtenValue(text), present, wanted, []))
}

/** The value without what `***` would stand for. Throws EditRefusal. */
export function withoutConcealed(value: unknown, path: Path = []): unknown {
  refuseConcealed(value, path)
  return value
}

/** What is to be written where `written` is; undefined: nothing, the default does. */
function merged(written: unknown, present: unknown, wanted: unknown, path: Path): unknown {
  if (isEqual(wanted, present)) return written
  if (isRecord(wanted) && isRecord(present) && (isRecord(written) || written === undefined))
    return mergedRecord(written ?? {}, present, wanted, path)
  if (Array.isArray(wanted) && Array.isArray(present) && Array.isArray(written) && written.length === present.length)
    return mergedList(written, present, wanted, path)
  return withoutConcealed(wanted, path)
}

function mergedRecord(
  written: Readonly<Record<string, unknown>>,
  present: Readonly<Record<string, unknown>>,
  wanted: Readonly<Record<string, unknown>>,
  path: Path,
): Record<string, unknown> {
  const keys = [...Object.keys(written), ...Object.keys(wanted).filter((key) => !Object.hasOwn(written, key))]
  return Object.fromEntries(
    keys
      .filter((key) => Object.hasOwn(wanted, key))
      .map((key) => [key, merged(ownOf(written, key), ownOf(present, key), wanted[key], [...path, key])])
      .filter(([, value]) => value !== undefined),
  ) as Record<string, unknown>
}

function mergedList(
  written: readonly unknown[],
  present: readonly unknown[],
  wanted: readonly unknown[],
  path: Path,
): unknown[] {
  const from = matchEntries(present, wanted)
  return wanted.map((entry, i) => {
    const at = from[i]!
    return at < 0 ? withoutConcealed(entry, [...path, i]) : merged(written[at], present[at], entry, [...path, i])
  })
}

function ownOf(record: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(record, key) ? record[key] : undefined
}

function refuseConcealed(value: unknown, path: Path): void {
  if (typeof value === 'string' && value.includes(CONCEALED))
    throw new EditRefusal(`${dotted(path)}: ${CONCEALED} stands for a secret that is there, and there is none`)
  if (Array.isArray(value)) for (const [i, entry] of value.entries()) refuseConcealed(entry, [...path, i])
  else if (isRecord(value)) for (const [key, entry] of Object.entries(value)) refuseConcealed(entry, [...path, key])
}
