// pathRegex: a linear-time expression for the whole path. It takes its place in the trie where its literal prefix of
// whole segments ends, so that `/api/v[0-9]+/x` is looked at only below /api, after parameters and before tails.
import { RE2JS } from 're2js'

export interface PathRegex {
  /** Whole segments that every match begins with. */
  readonly prefix: readonly string[]
  /** Names of the named groups, in order. */
  readonly names: readonly string[]
  /** Full match; writes [start, end) of each named group into `offsets` (an absent group is empty). */
  matches(path: string, offsets: Int32Array): boolean
}

/** Throws on an expression that RE2 does not take. */
export function compilePathRegex(source: string): PathRegex {
  const expression = RE2JS.compile(source)
  const names = Object.keys(expression.namedGroups())
  return {
    prefix: literalPrefix(source),
    names,
    matches(path, offsets) {
      if (names.length === 0) return expression.testExact(path)
      const matcher = expression.matcher(path)
      if (!matcher.matches()) return false
      for (let i = 0; i < names.length; i++) {
        offsets[i * 2] = Math.max(0, matcher.start(names[i]))
        offsets[i * 2 + 1] = Math.max(0, matcher.end(names[i]))
      }
      return true
    },
  }
}

const LITERAL = /^[A-Za-z0-9_~\-/%@:,;=&!']*/
const QUANTIFIER = /^[?*+{]/

/** Conservative: anything doubtful (alternatives at the top, flags, escapes) ends the prefix. */
export function literalPrefix(source: string): string[] {
  if (hasTopLevelAlternative(source)) return []
  const body = source.startsWith('^') ? source.slice(1) : source
  let literal = LITERAL.exec(body)![0]
  if (QUANTIFIER.test(body.slice(literal.length))) literal = literal.slice(0, -1)
  const whole = literal.slice(0, literal.lastIndexOf('/') + 1)
  if (!whole.startsWith('/') || whole.includes('//')) return []
  return whole.slice(1).split('/').slice(0, -1)
}

function hasTopLevelAlternative(source: string): boolean {
  let depth = 0
  let inClass = false
  for (let i = 0; i < source.length; i++) {
    const char = source[i]!
    if (char === '\\') i++
    else if (inClass) inClass = char !== ']'
    else if (char === '[') inClass = true
    else if (char === '(') depth++
    else if (char === ')') depth--
    else if (char === '|' && depth === 0) return true
  }
  return false
}
