// The path patterns of DESIGN section 5, parsed once: used by the router, by path toggles and by validation.
//
//   /users/{id}/files/{rest*}     segments: [static users] [param id] [static files]   tail: rest
//   /api/**                       segments: [static api]                               tail: all
//   /a/                           segments: [static a] [static '']                     tail: none

export interface Segment {
  /** Literal text; '' for a parameter (and for the segment after a trailing slash). */
  readonly text: string
  /** Exactly one non-empty segment of any text: `{name}` or `*`. */
  readonly parameter: boolean
}

/** none: the segments are all; rest: one or more characters follow (`{name*}`); all: the prefix itself and all below (`/**`). */
export type Tail = 'none' | 'rest' | 'all'

export interface PathPattern {
  readonly source: string
  readonly segments: readonly Segment[]
  readonly tail: Tail
  /** One name per captured part, in order, the rest last; '' for the anonymous `*`. */
  readonly names: readonly string[]
}

/** Most parameters that one pattern can have: the Exchange keeps their offsets in a fixed array. */
export const MAX_PARAMETERS = 16

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

/** Parses a pattern; a string tells what is wrong with it. */
export function parsePathPattern(source: string): PathPattern | string {
  if (!source.startsWith('/')) return `"${source}" must begin with "/"`
  const parts = source.slice(1).split('/')
  const segments: Segment[] = []
  const names: string[] = []
  let tail: Tail = 'none'
  for (const [index, part] of parts.entries()) {
    const last = index === parts.length - 1
    if (part === '**') {
      if (!last) return `"**" must be the last segment of "${source}"`
      tail = 'all'
      continue
    }
    if (part === '*') {
      segments.push({ text: '', parameter: true })
      names.push('')
      continue
    }
    if (part.startsWith('{') && part.endsWith('}')) {
      const rest = part.endsWith('*}')
      const name = part.slice(1, rest ? -2 : -1)
      if (!NAME.test(name))
        return `parameter "${part}" of "${source}" needs a name of letters, digits and "_", such as {id}`
      if (names.includes(name)) return `parameter {${name}} appears twice in "${source}"`
      names.push(name)
      if (rest) {
        if (!last) return `"${part}" must be the last segment of "${source}"`
        tail = 'rest'
      } else {
        segments.push({ text: '', parameter: true })
      }
      continue
    }
    const problem = staticProblem(part, source, last)
    if (problem !== '') return problem
    segments.push({ text: part, parameter: false })
  }
  return { source, segments, tail, names }
}

function staticProblem(part: string, source: string, last: boolean): string {
  if (part === '' && !last) return `"${source}" has an empty segment; "//" never appears in a canonical path`
  if (part === '.' || part === '..')
    return `"${source}" has a "${part}" segment, which never appears in a canonical path`
  if (/[{}*]/.test(part)) {
    return `segment "${part}" of "${source}" mixes text and a parameter; a parameter is a whole segment, or use pathRegex`
  }
  if (/[?#\\\s]/.test(part)) return `segment "${part}" of "${source}" has a character that a canonical path cannot have`
  return ''
}

/** Does the pattern match this canonical path? The slow, obvious form, for toggles and tests. */
export function patternMatches(pattern: PathPattern, path: string): boolean {
  const parts = path.slice(1).split('/')
  const { segments, tail } = pattern
  for (const [index, segment] of segments.entries()) {
    const part = parts[index]
    if (part === undefined) return false
    if (segment.parameter ? part === '' : part !== segment.text) return false
  }
  if (tail === 'none') return parts.length === segments.length
  if (tail === 'all') return parts.length >= segments.length
  return parts.slice(segments.length).join('/') !== ''
}

/** Does every path that `inner` matches also match `outer`? */
export function patternCovers(outer: PathPattern, inner: PathPattern): boolean {
  for (const [index, segment] of outer.segments.entries()) {
    const other = inner.segments[index]
    if (other === undefined) return false
    if (segment.parameter ? !other.parameter && other.text === '' : other.parameter || other.text !== segment.text) {
      return false
    }
  }
  const extra = inner.segments.length - outer.segments.length
  if (outer.tail === 'none') return extra === 0 && inner.tail === 'none'
  if (outer.tail === 'all') return true
  if (extra === 0) return inner.tail === 'rest'
  return (
    extra > 1 || inner.segments[outer.segments.length]!.parameter || inner.segments[outer.segments.length]!.text !== ''
  )
}

/** Is there a path that both match? May say yes too often (never no too often) for tails of one empty segment. */
export function patternsOverlap(a: PathPattern, b: PathPattern): boolean {
  const common = Math.min(a.segments.length, b.segments.length)
  for (let i = 0; i < common; i++) {
    const left = a.segments[i]!
    const right = b.segments[i]!
    if (!left.parameter && !right.parameter && left.text !== right.text) return false
    if (left.parameter && !right.parameter && right.text === '') return false
    if (right.parameter && !left.parameter && left.text === '') return false
  }
  if (a.segments.length > common) return b.tail !== 'none'
  if (b.segments.length > common) return a.tail !== 'none'
  if (a.tail === 'none' && b.tail === 'rest') return false
  return !(b.tail === 'none' && a.tail === 'rest')
}

/** Orders patterns from least to most specific: the order in which path toggles are applied. */
export function compareSpecificity(a: PathPattern, b: PathPattern): number {
  const common = Math.min(a.segments.length, b.segments.length)
  for (let i = 0; i < common; i++) {
    const difference = Number(b.segments[i]!.parameter) - Number(a.segments[i]!.parameter)
    if (difference !== 0) return difference
  }
  if (a.segments.length !== b.segments.length) return a.segments.length - b.segments.length
  return TAIL_RANK[a.tail] - TAIL_RANK[b.tail]
}

const TAIL_RANK: Record<Tail, number> = { all: 0, rest: 1, none: 2 }
