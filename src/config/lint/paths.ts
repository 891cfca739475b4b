// Patterns under `paths` that no route has.
import { parsePathPattern, patternsOverlap, type PathPattern } from '../../base/path-pattern.ts'
import type { Work } from '../work.ts'
import type { Subject } from './subject.ts'

/** Comparisons; beyond them lint is silent rather than slow. */
const MOST_COMPARISONS = 500_000
const EVERYTHING = parsePathPattern('/**') as PathPattern

export function* lintPaths(subject: Subject): Work<void> {
  const { toggles, config } = subject.valid
  if (toggles.paths.length === 0) return
  // By the text of the first segment; under '' those that may begin with anything.
  const byStart = new Map<string, PathPattern[]>([['', []]])
  for (const { match = {} } of config.routes) {
    yield
    const pattern = match.pathRegex === undefined ? (parsePathPattern(match.path ?? '/**') as PathPattern) : EVERYTHING
    const start = startOf(pattern)
    const list = byStart.get(start)
    if (list === undefined) byStart.set(start, [pattern])
    else list.push(pattern)
  }
  let left = MOST_COMPARISONS
  for (const { pattern } of toggles.paths) {
    yield
    const start = startOf(pattern)
    const lists = start === '' ? [...byStart.values()] : [byStart.get('')!, byStart.get(start) ?? []]
    let isHad = false
    for (const list of lists) {
      isHad ||= list.some((route) => --left < 0 || patternsOverlap(pattern, route))
      if (isHad) break
    }
    if (left < 0) return
    if (!isHad) subject.warn(['paths', pattern.source], `no route has a path that "${pattern.source}" matches`, true)
  }
}

function startOf({ segments }: PathPattern): string {
  const [first] = segments
  return first === undefined || first.parameter ? '' : `/${first.text}`
}
