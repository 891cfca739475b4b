// What a gateway or etcd tells about changes, versions and instances, read with care: anything may have written it.
import type { Change } from '../../config/diff.ts'
import { isRecord } from '../../config/document.ts'
import { textOr } from '../admin-client.ts'
import type { HistoryEntry, InstanceStatus } from './target.ts'

/** Those under a key of an answer. */
export function recordsOf(answer: unknown, key: string): Readonly<Record<string, unknown>>[] {
  const list: unknown = isRecord(answer) ? answer[key] : undefined
  return Array.isArray(list) ? (list as unknown[]).filter(isRecord) : []
}

export function changesOf(answer: unknown): Change[] {
  return recordsOf(answer, 'changes').map(({ key, path, kind, before, after }) => ({
    key: textOr(key, ''),
    path: textOr(path, ''),
    kind: kind === 'added' || kind === 'removed' || kind === 'moved' ? kind : 'changed',
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
  }))
}

/** An empty list when it is none. */
export function historyEntry(entry: Readonly<Record<string, unknown>>): HistoryEntry[] {
  const { version, since, time, author, message, why, changes, serving, retired } = entry
  if (typeof version !== 'number') return []
  const changed = Array.isArray(changes) ? changes.length : changes
  return [
    {
      version,
      time: numberOr(time ?? since, 0),
      author: textOr(author, ''),
      message: textOr(message, '') || textOr(why, ''),
      changes: typeof changed === 'number' ? changed : null,
      serving: serving === true || (serving === undefined && retired === false),
    },
  ]
}

export function instancesOf(answer: unknown): InstanceStatus[] {
  return recordsOf(answer, 'members').map(({ instance, status }) => instanceStatus(textOr(instance, '?'), status))
}

/** `status`: as the gateway has told it; null when it has not. */
export function instanceStatus(instance: string, status: unknown): InstanceStatus {
  const { version, seen, state, errors, since } = isRecord(status) ? status : {}
  const serves = numberOr(version, 0)
  const list = Array.isArray(errors) ? (errors as unknown[]).map((error) => textOr(error, '?')) : []
  const more = list.length > 1 ? ` (and ${list.length - 1} more)` : ''
  return {
    instance,
    version: serves,
    seen: Math.max(numberOr(seen, 0), serves),
    state: textOr(state, 'unknown'),
    error: list.length === 0 ? '' : `${list[0]}${more}`,
    since: numberOr(since, 0),
  }
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise
}
