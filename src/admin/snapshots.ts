// The versions of the configuration: those that served, and the snapshots that requests still use.
import { writtenChanges } from '../control/written-changes.ts'
import { json, Refusal, type Answer } from './answer.ts'
import type { ControlApi } from './control-api.ts'
import type { AdminCall, Resource } from './resource.ts'
import type { SnapshotReport } from './snapshot-history.ts'
import type { AdminState } from './state.ts'

export const snapshots: Resource = {
  method: 'GET',
  path: '/admin/v1/snapshots',
  summary: 'the snapshot that serves, those that requests still use, and the versions before',
  access: 'read',
  parameters: [],
  handle: (_call, { history, control, snapshot: { version } }) =>
    json({ snapshots: versionsOf(history.reports(), control, version) }),
}

export const snapshot: Resource<Pick<AdminState, 'control' | 'log'>> = {
  method: 'GET',
  path: '/admin/v1/snapshots/{version}',
  summary: 'what a version changed; diff=OTHER: against another one',
  access: 'read',
  parameters: ['diff'],
  atOnce: 2,
  handle: told,
}

/** Latest first. Where no versions are kept, those that are in use. `serves`: the version that does. */
export function versionsOf(used: readonly SnapshotReport[], control: ControlApi | null, serves: number): unknown[] {
  const inUse = new Map(used.map((report) => [report.version, report]))
  const kept = control?.history.reports() ?? []
  const known = kept.map(({ time, ...report }) => ({
    // One that is not in use any more has no routes to count.
    ...(inUse.get(report.version) ?? { since: time, routes: null, pins: 0, retired: true }),
    ...report,
    serving: report.version === serves,
  }))
  const versions = new Set(kept.map(({ version }) => version))
  const others = [...inUse.values()].filter(({ version }) => !versions.has(version))
  const untold = { author: '', message: '', why: '', changes: null }
  const rest = others.map((each) => ({ ...each, ...untold, serving: each.version === serves }))
  return [...rest, ...known].toSorted((a, b) => b.version - a.version)
}

async function told({ place, query }: AdminCall, { control }: Pick<AdminState, 'control'>): Promise<Answer> {
  const version = versionOf(place['version']!)
  const report = control?.history.reports().find((each) => each.version === version)
  const history = control?.history
  if (history === undefined || report === undefined) throw unknown(version)
  const other = query.text('diff')
  const from = other === null ? history.before(version) : versionOf(other)
  const kept = other === null ? history.changesOf(version) : null
  const before = from === null ? null : history.textsOf(from)
  if (other !== null && before === null) throw unknown(from!)
  const changes =
    kept ?? (before === null ? null : await writtenChanges(before, history.textsOf(version)!, control!.plugins()))
  return json({ ...report, against: from, changes })
}

/** Throws Refusal. */
export function versionOf(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new Refusal(400, `saw ${JSON.stringify(text.slice(0, 40))}, expected the number of a version`)
}

function unknown(version: number): Refusal {
  return new Refusal(
    404,
    `version ${version} is not known, or not any more; GET /admin/v1/snapshots lists those that are`,
  )
}
