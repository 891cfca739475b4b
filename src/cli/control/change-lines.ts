// Differences as lines in a terminal.
import { changeLine, type Change } from '../../config/diff.ts'
import { harmless, styled, type Style } from '../top/cells.ts'
import { counted } from '../words.ts'

/** Characters of one line; all of it is in the JSON form. */
const LONGEST_LINE = 1_000

const STYLES: Readonly<Record<Change['kind'], Style>> = {
  added: 'good',
  removed: 'bad',
  changed: 'warn',
  moved: 'warn',
}

export function shownChange(change: Change, colour: boolean): string {
  const line = changeLine(change)
  const short = line.length <= LONGEST_LINE ? line : `${line.slice(0, LONGEST_LINE)}…`
  return styled(harmless(short), STYLES[change.kind], colour)
}

/** `3 changes: 1 added, 2 changed`. */
export function changeSummary(changes: readonly Change[]): string {
  if (changes.length === 0) return 'no change'
  const kinds = (['added', 'changed', 'moved', 'removed'] as const).flatMap((kind) => {
    const count = changes.filter((change) => change.kind === kind).length
    return count === 0 ? [] : [`${count} ${kind}`]
  })
  return `${counted(changes.length, 'change')}: ${kinds.join(', ')}`
}

/** The same difference, looked at from the other side. */
export function reversed(changes: readonly Change[]): Change[] {
  return changes.map(({ key, path, kind, before, after }) => ({
    key,
    path,
    kind: kind === 'added' ? 'removed' : kind === 'removed' ? 'added' : kind,
    ...(after === undefined ? {} : { before: after }),
    ...(before === undefined ? {} : { after: before }),
  }))
}
