// One thing that the admin API tells or does.
import type { Actor } from '../control/audit.ts'
import type { Answer } from './answer.ts'
import type { Body, BodyRules } from './body.ts'
import type { Access } from './gate.ts'
import type { Query } from './query.ts'
import type { AdminState } from './state.ts'

export interface AdminCall {
  readonly query: Query
  /** If-None-Match as sent; '' if absent. */
  readonly ifNoneMatch: string
  /** Accept as sent; '' if absent. */
  readonly accept: string
  /** Aborted when the client is gone. */
  readonly signal: AbortSignal
  /** Decoded parts of the path, by the names that they have in the path of the resource. */
  readonly place: Readonly<Record<string, string>>
  /** null where the resource takes none. */
  readonly body: Body | null
  /** If-Match as sent; '' if absent. */
  readonly ifMatch: string
  readonly actor: Actor
  /** The author's own words about a change. */
  readonly message: string
}

/** `S`: what it may see. */
export interface Resource<S = AdminState> {
  readonly method: 'GET' | 'PUT' | 'PATCH' | 'POST' | 'DELETE'
  /** `{name}` stands for one segment. */
  readonly path: string
  /**
   * control: it concerns the control plane, and where several workers serve, the supervisor answers it. Absent: it concerns
   * a process that serves; admin/merged/resources.ts says how the answers of several become one.
   */
  readonly scope?: 'control'
  /** One line for `GET /admin/v1`. */
  readonly summary: string
  readonly access: Access
  /** Names that the query may have; null: it is not looked at. */
  readonly parameters: readonly string[] | null
  /** What may be sent along; absent: nothing is read. */
  readonly body?: BodyRules
  /** Most requests that may be worked on at once; more are told to come later. Absent: no limit. */
  readonly atOnce?: number
  /** Throws Refusal, or rejects with it. */
  readonly handle: (call: AdminCall, state: S) => Answer | Promise<Answer>
}

/** RFC 9110 section 13.1.2: weak comparison, a list, or `*`. */
export function isUnchanged(ifNoneMatch: string, etag: string): boolean {
  if (ifNoneMatch === '') return false
  return ifNoneMatch.split(',').some((each) => ['*', etag].includes(each.trim().replace(/^W\//, '')))
}
