// What a step says. Small integers: a switch on them costs nothing and nothing is allocated.

/** Go on with the next step. */
export const NEXT = 0
/** The reply is set on the Exchange; skip to the response phase. */
export const ANSWERED = 1
/** `x.failure` is set; the reply is made from it in one place (road/fail.ts). */
export const FAILED = 2

export type Verdict = typeof NEXT | typeof ANSWERED | typeof FAILED

/** The Exchange waits for a promise, an upstream or a client, and will be resumed. Road only. */
export const PARKED = 3

export type Progress = Verdict | typeof PARKED
