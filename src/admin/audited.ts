// Nothing is changed without a line in the audit log before it, and one with what came of it after.
import type { WriteOutcome } from '../control/config-authority.ts'
import { WriteRefusal, type WriteProblem } from '../control/write-refusal.ts'
import { Refusal } from './answer.ts'
import type { ControlApi } from './control-api.ts'
import type { AdminCall } from './resource.ts'
import type { AdminState } from './state.ts'

export interface Deed {
  readonly action: string
  /** A route, a version; '' for all. */
  readonly target: string
}

/** Throws Refusal where nothing can be changed. */
export function controlOf({ control }: Pick<AdminState, 'control' | 'log'>): ControlApi {
  if (control === null) throw new Refusal(409, 'Nothing can be changed through this listener.')
  return control
}

/** Rejects with Refusal; with 503, before anything was done, when the audit log cannot be written. */
export async function audited<T extends WriteOutcome | null>(
  { actor, message }: AdminCall,
  state: Pick<AdminState, 'control' | 'log'>,
  deed: Deed,
  work: () => Promise<T>,
): Promise<T> {
  const { audit, writer } = controlOf(state)
  const from = writer.version
  const event = { actor, ...deed, from, to: null, message, reason: '' }
  try {
    await audit.record({ ...event, result: 'begun' })
  } catch (error) {
    state.log.error({ err: error }, 'the audit log cannot be written; a change was refused')
    throw new Refusal(503, 'The audit log cannot be written, and without it nothing is changed.')
  }
  try {
    const outcome = await work()
    const isChange = outcome === null || outcome.written
    await audit.note({ ...event, result: isChange ? 'done' : 'unchanged', to: outcome?.version ?? null })
    return outcome
  } catch (error) {
    const refusal = error instanceof WriteRefusal ? refusalOf(error, writer.version) : error
    const reason = refusal instanceof Error ? refusal.message : String(refusal)
    const to = error instanceof WriteRefusal && error.kind !== 'stale' ? error.version : null
    await audit.note({ ...event, result: 'refused', to, reason })
    throw refusal
  }
}

const STATUS: Readonly<Record<WriteProblem, number>> = {
  'not-found': 404,
  stale: 412,
  conflict: 409,
  invalid: 422,
  busy: 503,
  away: 503,
}

/** `version`: the one that serves. */
export function refusalOf({ kind, message, problems, version: latest }: WriteRefusal, version: number): Refusal {
  const status = STATUS[kind]
  if (status === 412) return new Refusal(412, message, { etag: `"${version}"` }, { version, latest: latest ?? version })
  return new Refusal(status, message, status === 503 ? { 'retry-after': '1' } : {}, status === 422 ? { problems } : {})
}
