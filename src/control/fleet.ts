// What the gateways of a fleet say of themselves in etcd.
import type { EtcdLink } from '../base/etcd-link.ts'

/** What a gateway serves. */
export interface InstanceStatus {
  /** Version that serves; 0: none of the store. */
  readonly version: number
  /** rejected: what was offered last, or a part of it, is not what serves. */
  readonly state: 'serving' | 'rejected'
  /** Problems of the version that was offered last; only the first are shown. */
  readonly errors: readonly string[]
  /** Version that was offered last. */
  readonly seen: number
  /** Unix ms since which the version serves. */
  readonly since: number
}

/** Who a gateway is. */
export interface InstanceInfo {
  readonly region?: string
  readonly zone?: string
  /** Of the software. */
  readonly version: string
  readonly pid: number
  readonly host: string
  /** Address of the admin API; absent: it has none. */
  readonly admin?: string
  readonly listeners: readonly string[]
  /** Unix ms */
  readonly started: number
}

export interface FleetMember {
  readonly instance: string
  /** null: the other key is there, this one is missing or malformed. */
  readonly status: InstanceStatus | null
  readonly info: InstanceInfo | null
}

export const STATUS = 'status/'
export const INSTANCES = 'instances/'

/** A fleet has some hundreds of gateways at most. */
const MAX_MEMBERS = 10_000
const MAX_ERRORS = 20
const MAX_ERROR = 500

/** `prefix` ends with a slash. Sorted by name. */
export async function readFleet(link: EtcdLink, prefix: string): Promise<FleetMember[]> {
  const [statuses, infos] = await Promise.all(
    [STATUS, INSTANCES].map(async (folder) => {
      const { entries } = await link.readPrefix(prefix + folder, MAX_MEMBERS)
      return new Map(entries.map(({ key, value }) => [key.slice(prefix.length + folder.length), recordOf(value)]))
    }),
  )
  const names = [...new Set([...statuses!.keys(), ...infos!.keys()])].toSorted()
  return names.map((instance) => ({
    instance,
    status: statusOf(statuses!.get(instance) ?? null),
    info: infoOf(infos!.get(instance) ?? null),
  }))
}

export function formatStatus({ errors, ...status }: InstanceStatus): string {
  const shown = errors.slice(0, MAX_ERRORS).map((error) => error.slice(0, MAX_ERROR))
  if (errors.length > MAX_ERRORS) shown.push(`and ${errors.length - MAX_ERRORS} more`)
  return JSON.stringify({ ...status, errors: shown })
}

type Json = Readonly<Record<string, unknown>>

function recordOf(value: string): Json | null {
  try {
    const json: unknown = JSON.parse(value)
    return typeof json === 'object' && json !== null && !Array.isArray(json) ? (json as Json) : null
  } catch {
    return null
  }
}

function statusOf(json: Json | null): InstanceStatus | null {
  if (json === null) return null
  const { version, state, errors, seen, since } = json
  if (typeof version !== 'number' || (state !== 'serving' && state !== 'rejected')) return null
  return { version, state, errors: texts(errors), seen: numberOr(seen, version), since: numberOr(since, 0) }
}

function infoOf(json: Json | null): InstanceInfo | null {
  if (json === null) return null
  const { region, zone, version, pid, host, admin, listeners, started } = json
  return {
    ...(typeof region === 'string' && { region }),
    ...(typeof zone === 'string' && { zone }),
    version: typeof version === 'string' ? version : '',
    pid: numberOr(pid, 0),
    host: typeof host === 'string' ? host : '',
    ...(typeof admin === 'string' && { admin }),
    listeners: texts(listeners),
    started: numberOr(started, 0),
  }
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : otherwise
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((text) => typeof text === 'string').slice(0, 100) : []
}
