// The query of a request to the admin API: what is not known, or not what is expected, is told.
import { didYouMean } from '../config/nearest.ts'
import { parseUnit, UNIT_EXAMPLES } from '../config/units.ts'
import { Refusal } from './answer.ts'

export class Query {
  readonly #parameters: URLSearchParams

  constructor(search: string) {
    this.#parameters = new URLSearchParams(search)
  }

  /** Throws Refusal when a parameter is none of these. */
  allow(names: readonly string[]): void {
    for (const name of this.#parameters.keys()) {
      if (names.includes(name)) continue
      const known = names.length === 0 ? 'there are none here' : `known: ${names.join(', ')}`
      throw new Refusal(400, `unknown parameter ${JSON.stringify(name)}${didYouMean(name, names) || `; ${known}`}`)
    }
  }

  /** Throws Refusal when it is there twice. */
  text(name: string): string | null {
    const values = this.#parameters.getAll(name)
    if (values.length > 1) throw new Refusal(400, `${name} is here ${values.length} times; once is enough`)
    return values[0] ?? null
  }

  /** What was asked, without this parameter: `?a=1`, or ''. */
  without(name: string): string {
    const left = new URLSearchParams(this.#parameters)
    left.delete(name)
    return left.size === 0 ? '' : `?${left.toString()}`
  }

  all(name: string): readonly string[] {
    return this.#parameters.getAll(name)
  }

  required(name: string, what: string): string {
    const value = this.text(name)
    if (value === null || value === '') throw new Refusal(400, `${name} is missing (${what})`)
    return value
  }

  integer(name: string, from: number, to: number, otherwise: number): number {
    const value = this.text(name)
    if (value === null) return otherwise
    if (/^\d{1,9}$/.test(value) && Number(value) >= from && Number(value) <= to) return Number(value)
    throw new Refusal(400, `${name}: saw ${JSON.stringify(value)}, expected a whole number from ${from} to ${to}`)
  }

  /** ms */
  duration(name: string, otherwise: number): number {
    const value = this.text(name)
    if (value === null) return otherwise
    const ms = parseUnit('duration', value)
    if (!Number.isNaN(ms)) return ms
    throw new Refusal(
      400,
      `${name}: saw ${JSON.stringify(value)}, expected a duration such as ${UNIT_EXAMPLES.duration}`,
    )
  }

  oneOf<T extends string>(name: string, values: readonly T[], otherwise: T): T {
    const value = this.text(name)
    if (value === null) return otherwise
    const known = values.find((candidate) => candidate === value)
    if (known !== undefined) return known
    throw new Refusal(400, `${name}: saw ${JSON.stringify(value)}, expected ${values.join(' or ')}`)
  }
}
