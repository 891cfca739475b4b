// Random routes on few hosts and paths, so that they meet each other, and requests that meet them.
import fc from 'fast-check'
import { HeaderList } from '../../src/base/headers.ts'
import type { MatchConfig } from '../../src/config/schema.ts'
import type { Matchable } from '../../src/contract/match.ts'

const segment = fc.constantFrom('a', 'b', '{x}', '{y}', '*')
const path = fc
  .tuple(fc.array(segment, { maxLength: 3 }), fc.constantFrom('', '', '/', '/**', '/{r*}'))
  .map(([segments, tail]) =>
    (segments.length === 0 && tail === '' ? '/' : '/' + segments.join('/') + tail).replace('//', '/'),
  )
  .filter((text) => new Set(text.match(/\{\w+/g)).size === (text.match(/\{\w+/g) ?? []).length)
const value = fc.oneof(
  fc.constantFrom('1', '2'),
  fc.constantFrom({ regex: '[12]' }, { regex: '1|3' }, { present: true }, { present: false }),
)
const match: fc.Arbitrary<MatchConfig> = fc.record(
  {
    host: fc.constantFrom('h.a.b', 'a.b', '*.a.b', '*.b'),
    path,
    pathRegex: fc.constantFrom('/a/[ab]', '^/(a|b)$', '/a/.*', '/.*', '/b/a|/a', '/a/b?/?'),
    method: fc.constantFrom('GET', 'HEAD', ['POST', 'GET'], ['PUT'], ['HEAD', 'POST']),
    headers: fc.dictionary(fc.constantFrom('k', 'l'), value, { maxKeys: 2 }),
    query: fc.dictionary(fc.constantFrom('q', 'p'), value, { maxKeys: 2 }),
  },
  { requiredKeys: [] },
)
/** Without a name. */
export const route: fc.Arbitrary<{ readonly match: MatchConfig; readonly priority: number }> = fc
  .record({ match, priority: fc.constantFrom(0, 0, 0, 1, -1) })
  .map(({ match: { pathRegex, ...rest }, priority }) => ({
    match: pathRegex !== undefined && rest.path === undefined ? { ...rest, pathRegex } : rest,
    priority,
  }))

export interface Target {
  readonly method: string
  readonly host: string
  readonly path: string
  readonly search: string
  readonly headers: readonly string[]
}

export const target: fc.Arbitrary<Target> = fc.record({
  method: fc.constantFrom('GET', 'HEAD', 'POST', 'PURGE'),
  host: fc.constantFrom('h.a.b', 'a.b', 'x.y.a.b', 'c'),
  path: fc
    .array(fc.constantFrom('a', 'b', 'c', ''), { minLength: 1, maxLength: 4 })
    .map((segments) => '/' + segments.join('/')),
  search: fc.constantFrom('', '?q=1', '?q=2&p=1', '?q=3&q=1', '?p'),
  headers: fc.constantFrom([], ['k', '1'], ['k', '3', 'l', '2', 'k', '2']),
})

export function askFor({ headers: fields, ...target }: Target): Matchable {
  const headers = new HeaderList()
  headers.pushAll(fields)
  return { ...target, headers, offsets: new Int32Array(32) }
}

/** What may become of a list. */
export type Edit<T> =
  | { readonly kind: 'add'; readonly at: number; readonly entries: readonly T[] }
  | { readonly kind: 'change'; readonly at: number; readonly entry: T }
  | { readonly kind: 'remove'; readonly at: number; readonly count: number }
  | { readonly kind: 'move'; readonly from: number; readonly to: number }
  | { readonly kind: 'replace'; readonly entries: readonly T[] }

export function edits<T>(entry: fc.Arbitrary<T>): fc.Arbitrary<Edit<T>[]> {
  const at = fc.nat(30)
  const entries = fc.array(entry, { minLength: 1, maxLength: 8 })
  return fc.array(
    fc.oneof(
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('add' as const), at, entries }) },
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('change' as const), at, entry }) },
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('remove' as const), at, count: fc.nat(6) }) },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('move' as const), from: at, to: at }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('replace' as const), entries }) },
    ),
    { minLength: 1, maxLength: 10 },
  )
}

/** Entries that are not touched stay the same objects. */
export function edited<T>(list: readonly T[], edit: Edit<T>): T[] {
  const size = Math.max(1, list.length)
  if (edit.kind === 'replace') return [...edit.entries]
  if (edit.kind === 'add') return list.toSpliced(edit.at % (size + 1), 0, ...edit.entries)
  if (edit.kind === 'remove') return list.toSpliced(edit.at % size, edit.count)
  if (edit.kind === 'change') return list.length === 0 ? [edit.entry] : list.with(edit.at % size, edit.entry)
  const moved = list.slice(edit.from % size, (edit.from % size) + 1)
  return list.toSpliced(edit.from % size, 1).toSpliced(edit.to % size, 0, ...moved)
}
