// A condition on one value: of a header, of the query, of the baggage.
import { Type, type Static } from 'typebox'

const CLOSED = { additionalProperties: false } as const

export const HeaderCondition = Type.Union([
  Type.String(),
  Type.Object({ regex: Type.String({ 'x-format': 'regex' }) }, CLOSED),
  Type.Object({ present: Type.Boolean() }, CLOSED),
])

/** Equal text, a full-match expression, or presence. */
export type ValueCondition = Static<typeof HeaderCondition>
