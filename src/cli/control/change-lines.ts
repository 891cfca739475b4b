// Differences as lines: `~ routes/users.match.path: "/a" -> "/b"`, `+` for what is new, `-` for what goes.
import { harmless, styled, type Style } from '../top/cells.ts'
import { counted } from '../words.ts'
import type { Change } from './target.ts'

/** Characters of one value; all of it is in the JSON form. */
const LONGEST_VALUE = 400

const SIGNS: Readonly<Record<Change['kind'], readonly [string, Style]>> = {
  added: ['+', 'good'],
  removed: ['-', 'bad'],
  changed: ['~', 'warn'],
}

export function changeLine(change: Change, colour: boolean): string {
  const { key, path, kind, before, after } = change
  const [sign, style] = SIGNS[kind]
  const name = path === '' ? key : `${key}${path.startsWith('[') ? '' : '.'}${path}`
  return styled(harmless(`${sign} ${name}${values(kind, before, after)}`), style, colour)
}

function values(kind: Change['kind'], before: unknown, after: unknown): string {
  if (kind === 'changed') return `: ${shown(before)} -> ${shown(after)}`
  const value = kind === 'added' ? after : before
  return value === undefined ? '' : `: ${shown(value)}`
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length <= LONGEST_VALUE ? text : `${text.slice(0, LONGEST_VALUE)}…`
}

/** `3 changes: 1 added, 2 changed`. */
export function changeSummary(changes: readonly Change[]): string {
  if (changes.length === 0) return 'no change'
  const kinds = (['added', 'changed', 'removed'] as const).flatMap((kind) => {
    const count = changes.filter((change) => change.kind === kind).length
    return count === 0 ? [] : [`${count} ${kind}`]
  })
  return `${counted(changes.length, 'change')}: ${kinds.join(', ')}`
}

/** The same difference, looked at from the other side. */
export function reversed(changes: readonly Change[]): Change[] {
  return changes.map(({ key, path, kind, before, after }) => {
    const other = kind === 'added' ? 'removed' : kind === 'removed' ? 'added' : 'changed'
    return {
      key,
      path,
      kind: other,
      ...(after === undefined ? {} : { before: after }),
      ...(before === undefined ? {} : { after: before }),
    }
  })
}
