// Several operations of etcd that happen together, or not at all when something is not as it was thought to be.
import type { ICompare, IRequestOp, ITxnRequest } from 'etcd3'

/** About the revision at which a key was created or last changed (0: it is not there); of all keys with a prefix, or one. */
export interface EtcdCondition {
  readonly key: string
  readonly isPrefix?: boolean
  readonly target: 'created' | 'changed'
  readonly relation: 'is' | 'below'
  readonly revision: number
}

export type EtcdOperation =
  | { readonly put: string; readonly value: string; readonly lease?: string }
  | { readonly delete: string }
  | { readonly get: string }

export interface EtcdTransaction {
  readonly when: readonly EtcdCondition[]
  readonly operations: readonly EtcdOperation[]
  /** What is done instead when a condition does not hold. */
  readonly otherwise?: readonly EtcdOperation[]
}

export interface EtcdFound {
  readonly key: string
  readonly value: string
  /** Of its last change. */
  readonly revision: number
  /** Revision at which it came. */
  readonly created: number
  /** '0': none */
  readonly lease: string
}

export interface EtcdOutcome {
  readonly succeeded: boolean
  readonly revision: number
  readonly cluster: string
  /** What each `get` that was done has found. */
  readonly found: readonly (EtcdFound | null)[]
}

export function transactionRequest({ when, operations, otherwise = [] }: EtcdTransaction): ITxnRequest {
  return { compare: when.map(compare), success: operations.map(operation), failure: otherwise.map(operation) }
}

function compare({ key, isPrefix, target, relation, revision }: EtcdCondition): ICompare {
  const bytes = Buffer.from(key)
  return {
    key: bytes,
    ...(isPrefix === true ? { range_end: prefixEnd(key) } : {}),
    result: relation === 'is' ? 'Equal' : 'Less',
    ...(target === 'created'
      ? { target: 'Create', create_revision: String(revision) }
      : { target: 'Mod', mod_revision: String(revision) }),
  }
}

function operation(one: EtcdOperation): IRequestOp {
  if ('get' in one) return { request_range: { key: Buffer.from(one.get) } }
  if ('delete' in one) return { request_delete_range: { key: Buffer.from(one.delete) } }
  const { put, value, lease = '0' } = one
  return { request_put: { key: Buffer.from(put), value: Buffer.from(value), lease } }
}

/** The first key behind all that begin so. */
export function prefixEnd(prefix: string): Buffer {
  const end = Buffer.from(prefix)
  end[end.length - 1]! += 1 // the last byte of UTF-8 is never 255
  return end
}
