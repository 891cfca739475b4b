// Conditions on headers and query values. They read the flat headers and the raw query; nothing is parsed before it
// is asked for, and nothing is kept.
import { RE2JS } from 're2js'
import { queryValues } from '../base/query.ts'
import { CONCEALED, isSecretName } from '../config/concealed.ts'
import type { ValueCondition } from '../config/condition-schema.ts'
import type { MatchConfig } from '../config/schema.ts'
import type { Matchable } from '../contract/match.ts'

export interface Condition {
  readonly kind: 'header' | 'query'
  readonly name: string
  holds(x: Matchable): boolean
  /** `header x-env is absent, expected "gray"`; for explain. */
  describe(x: Matchable): string
}

export function compileConditions({ headers = {}, query = {} }: MatchConfig): Condition[] {
  return [
    ...Object.entries(headers).map(([name, wanted]) => condition('header', name.toLowerCase(), wanted, headerValues)),
    ...Object.entries(query).map(([name, wanted]) => condition('query', name, wanted, valuesInQuery)),
  ]
}

/** Tells each value of a name until `take` returns true; true then. */
type Values = (x: Matchable, name: string, take: (value: string) => boolean) => boolean

function condition(kind: 'header' | 'query', name: string, wanted: ValueCondition, values: Values): Condition {
  const { test, negated, ...told } = compileTest(wanted)
  // What only some know may be a condition as well.
  const expected = isSecretName(name) && !isPresence(wanted) ? CONCEALED : told.expected
  return {
    kind,
    name,
    holds: (x) => values(x, name, test) !== negated,
    describe(x) {
      const seen: string[] = []
      values(x, name, (value) => {
        seen.push(JSON.stringify(value))
        return false
      })
      return `${kind} ${name} is ${seen.length === 0 ? 'absent' : seen.join(' and ')}, expected ${expected}`
    },
  }
}

function isPresence(wanted: ValueCondition): boolean {
  return typeof wanted === 'object' && 'present' in wanted
}

export interface Test {
  readonly test: (value: string) => boolean
  readonly expected: string
  /** The condition holds when no value passes the test. */
  readonly negated: boolean
}

/** What a condition asks of a value. Throws on an expression that was not validated. */
export function compileTest(wanted: ValueCondition): Test {
  if (typeof wanted === 'string') {
    return { test: (value) => value === wanted, expected: JSON.stringify(wanted), negated: false }
  }
  if ('present' in wanted) {
    return { test: () => true, expected: wanted.present ? 'any value' : 'none', negated: !wanted.present }
  }
  const expression = RE2JS.compile(wanted.regex)
  return { test: (value) => expression.testExact(value), expected: `a match of ${wanted.regex}`, negated: false }
}

function headerValues(x: Matchable, name: string, take: (value: string) => boolean): boolean {
  const { flat, length } = x.headers
  for (let i = 0; i < length; i += 2) if (flat[i] === name && take(flat[i + 1]!)) return true
  return false
}

function valuesInQuery(x: Matchable, name: string, take: (value: string) => boolean): boolean {
  return queryValues(x.search, name, take)
}
