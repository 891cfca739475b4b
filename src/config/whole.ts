// A text that comes to a configuration given whole, as far as that differs from the one in force: what is not said anew
// stays as it was written, with its variables, secrets and comments.
import { identityOf, matchEntries } from './alike.ts'
import { CONCEALED } from './concealed.ts'
import { isEqual } from './difference.ts'
import { isRecord, type Path } from './document.ts'
import { changeText, EditRefusal } from './edit.ts'
import { dotted } from './inspect.ts'

/**
 * `present`: what the text comes to now, as the admin API shows it: defaults filled in, variables replaced, secrets `***`.
 * `wanted`: the same with changes; `***` stands for what is there. Throws EditRefusal.
 */
export function replaceText(text: string, wanted: unknown, present: unknown): string {
  return changeText(text, (written) => merged(written, present, wanted, []))
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
  refuseGuesses(present, wanted, from, path)
  return wanted.map((entry, i) => {
    const at = from[i]!
    return at < 0 ? withoutConcealed(entry, [...path, i]) : merged(written[at], present[at], entry, [...path, i])
  })
}

/** Two keys of one consumer look alike: which of them is to go, or whose secret a new entry is to have, nobody could tell. */
function refuseGuesses(
  present: readonly unknown[],
  wanted: readonly unknown[],
  from: readonly number[],
  path: Path,
): void {
  const [before, after] = [present.map(identityOf), wanted.map(identityOf)]
  const [were, are] = [counted(before), counted(after)]
  for (const [i, identity] of after.entries()) {
    if (!holdsConcealed(wanted[i]) || from[i]! < 0) continue
    const isOther = before[from[i]!] !== identity
    if (isOther ? present.length === wanted.length : were.get(identity) === are.get(identity)) continue
    throw new EditRefusal(
      `${dotted([...path, i])}: ${CONCEALED} could stand for several secrets; write the secret itself, or change the text of the configuration`,
    )
  }
}

function ownOf(record: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(record, key) ? record[key] : undefined
}

function counted(identities: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const each of identities) counts.set(each, (counts.get(each) ?? 0) + 1)
  return counts
}

/** Is there *** anywhere in it? */
export function holdsConcealed(value: unknown): boolean {
  if (typeof value === 'string') return value.includes(CONCEALED)
  if (Array.isArray(value)) return value.some(holdsConcealed)
  return isRecord(value) && Object.values(value).some(holdsConcealed)
}

function refuseConcealed(value: unknown, path: Path): void {
  if (typeof value === 'string' && value.includes(CONCEALED))
    throw new EditRefusal(`${dotted(path)}: ${CONCEALED} stands for a secret that is there, and there is none`)
  if (Array.isArray(value)) for (const [i, entry] of value.entries()) refuseConcealed(entry, [...path, i])
  else if (isRecord(value)) for (const [key, entry] of Object.entries(value)) refuseConcealed(entry, [...path, key])
}
