// The key that closes a change: what came before it is valid together.
import type { CommitInfo } from './shared-store.ts'

const MAX_AUTHOR = 200
const MAX_MESSAGE = 1000
/** Keys that a marker names; a change may have more. */
const MAX_CHANGED = 50

export interface MarkerText {
  readonly author: string
  readonly message: string
  readonly time: number
  readonly changed: readonly string[]
  /** By which the writer knows its own marker. */
  readonly id: string
}

export function formatMarker({ author, message, time, changed, id }: MarkerText): string {
  return JSON.stringify({
    author: author.slice(0, MAX_AUTHOR),
    time,
    message: message.slice(0, MAX_MESSAGE),
    changed: changed.slice(0, MAX_CHANGED),
    ...(changed.length > MAX_CHANGED ? { more: changed.length - MAX_CHANGED } : {}),
    id,
  })
}

/** Never throws: a marker that was made by hand may be any text, which then is the message, and its time is now. */
export function parseMarker(value: string, version: number): CommitInfo {
  const { author, time, message } = recordOf(value)
  return {
    version,
    author: typeof author === 'string' ? author.slice(0, MAX_AUTHOR) : '',
    time: typeof time === 'number' && Number.isFinite(time) ? time : Date.now(),
    message: typeof message === 'string' ? message.slice(0, MAX_MESSAGE) : '',
  }
}

/** Of the change that a marker closed, or that a lock is for. */
export function changeId(value: string): unknown {
  return recordOf(value)['id']
}

function recordOf(value: string): Readonly<Record<string, unknown>> {
  try {
    const json: unknown = JSON.parse(value)
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Record<string, unknown>
  } catch {
    // a plain text
  }
  return { message: value.trim() }
}
