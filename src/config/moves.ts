// Where unchanged parts of a configuration are written by now. Their objects stay what they were, but for the position, which
// is only shown: it is corrected when the configuration serves, not while somebody merely looks at it.
import type { Origin } from './toggles.ts'

type Position = { -readonly [K in 'where' | 'line' | 'column']: Origin[K] }

export class Moves {
  readonly #moves: (readonly [Origin, Origin])[] = []

  add(before: Origin, now: Origin): void {
    const { where, line, column } = now
    if (before.where !== where || before.line !== line || before.column !== column) this.#moves.push([before, now])
  }

  apply(): void {
    for (const [before, { where, line, column }] of this.#moves.splice(0))
      Object.assign(before satisfies Position, { where, line, column })
  }
}
