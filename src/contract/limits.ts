// Rate limits as plugins see them: how often something may happen, per key.

export type Algorithm = 'token-bucket' | 'leaky-bucket' | 'sliding-window' | 'fixed-window'

export interface LimitRule {
  readonly algorithm: Algorithm
  /** Events per window. */
  readonly amount: number
  /** ms */
  readonly window: number
  /** Events that may come at once after a pause; for the buckets. */
  readonly burst: number
  /** ms that a leaky bucket holds an event back at most; 0 for the others. */
  readonly maxWait: number
}

/** Where counts are kept. Limits with the same store and algorithm share them, also across reloads that change amounts. */
export interface LimitStore {
  /** Tells limits apart. */
  readonly name: string
  /** Most keys that are kept in this process. */
  readonly maxKeys: number
  /** `redis://…`: counts are shared by all gateways; '' keeps them in this process alone. */
  readonly redis: string
}

/** One limit. The fields tell about the last `take`, and are overwritten by the next. */
export interface Limit {
  /** Events that the key could have now. */
  readonly remaining: number
  /** ms until the key has all of them again. */
  readonly resetAfter: number
  /** ms until the next event can be admitted; 0 when it was. */
  readonly retryAfter: number
  /** ms that an admitted event has to be held back (leaky bucket). */
  readonly delay: number
  /** After `take` said false: it could not decide, and can when this is settled. null: it has decided. */
  readonly undecided: Promise<void> | null
  /** After `take` said false: the counts cannot be reached. */
  readonly unavailable: boolean
  /** Events that this gateway may admit beyond the rule, as it shares the counts with others; 0 when it does not. */
  readonly bound: number
  /** Counts one event of `key` if there is room for it; `dry`: only looks. False when it was not admitted. */
  take(key: string, dry: boolean): boolean
  /** To be called once before the first `take`. Settles when the counts can be reached, or cannot for the time being. */
  start(): Promise<void>
  /** The keys with the most refusals of late, most first. */
  hottest(): readonly { readonly key: string; readonly refused: number }[]
  close(): void
}

export interface Limits {
  /** Whoever opens a limit closes it: see `own` of the Host. */
  open(rule: LimitRule, store: LimitStore): Limit
}
