// One look at a name: the endpoints that DNS has for it now.
import { isIPv6 } from 'node:net'
import type { DnsClient } from './dns-client.ts'
import {
  failed,
  type AddressRecord,
  type DnsAbsent,
  type DnsFailed,
  type DnsRecord,
  type ServiceRecord,
} from './dns-message.ts'
import type { DiscoveredEndpoint } from './source.ts'

export interface Sighting {
  readonly kind: 'seen'
  /** Never empty. */
  readonly endpoints: readonly DiscoveredEndpoint[]
  /** ms */
  readonly ttl: number
  /** What could not be looked up, although the rest could. */
  readonly error: Error | null
}

export type Lookup = (signal: AbortSignal) => Promise<Sighting | DnsAbsent | DnsFailed>

export type Scheme = 'http' | 'https'

/** SRV targets whose addresses are asked for; the others are left out. */
const MAX_TARGETS = 256
/** Targets that are asked for at a time. */
const AT_ONCE = 4

/** Addresses of one family, all with one port. */
export function addressLookup(
  client: DnsClient,
  name: string,
  type: 'A' | 'AAAA',
  scheme: Scheme,
  port: number,
): Lookup {
  return async (signal) => {
    const answer = await client.query(name, type, signal)
    if (answer.kind !== 'found') return answer
    const endpoints = answer.records.filter(isAddress).map(({ address }) => endpoint(scheme, address, port, 1))
    return { kind: 'seen', endpoints, ttl: answer.ttl, error: null }
  }
}

interface Target {
  readonly addresses: readonly string[]
  /** ms */
  readonly ttl: number
  readonly error: Error | null
}

/** SRV (RFC 2782). Remembers the addresses of targets, for when these cannot be asked for. */
export function serviceLookup(client: DnsClient, name: string, scheme: Scheme): Lookup {
  let known: ReadonlyMap<string, Target> = new Map()
  return async (signal) => {
    const answer = await client.query(name, 'SRV', signal)
    if (answer.kind !== 'found') return answer
    const services = answer.records.filter(isService).filter(({ target }) => target !== '')
    const targets = new Map<string, Target>()
    let error: Error | null = null
    for (const group of byPriority(services)) {
      const names = [...new Set(group.map(({ target }) => target))].slice(0, MAX_TARGETS)
      for (const [target, found] of await resolveTargets(client, names, answer.additional, known, signal)) {
        targets.set(target, found)
        error ??= found.error
      }
      const endpoints = group.flatMap(({ target, port, weight }) =>
        (targets.get(target)?.addresses ?? []).map((address) => endpoint(scheme, address, port, Math.max(1, weight))),
      )
      if (endpoints.length === 0) continue
      known = targets
      const ttl = Math.min(answer.ttl, ...names.map((target) => targets.get(target)!.ttl))
      return { kind: 'seen', endpoints: endpoints.sort((a, b) => b.weight - a.weight), ttl, error }
    }
    return error === null ? { kind: 'absent', reason: 'NODATA', ttl: answer.ttl } : failed(error.message)
  }
}

/** The lowest number, which is the most important, first. */
function byPriority(services: readonly ServiceRecord[]): ServiceRecord[][] {
  const groups = new Map<number, ServiceRecord[]>()
  for (const service of services) {
    const group = groups.get(service.priority)
    if (group === undefined) groups.set(service.priority, [service])
    else group.push(service)
  }
  return [...groups].sort(([a], [b]) => a - b).map(([, group]) => group)
}

async function resolveTargets(
  client: DnsClient,
  names: readonly string[],
  additional: readonly DnsRecord[],
  known: ReadonlyMap<string, Target>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Target>> {
  const found = new Map<string, Target>()
  const waiting: string[] = []
  const given = addressesByName(additional)
  for (const name of names) {
    const target = given.get(name)
    if (target === undefined) waiting.push(name)
    else found.set(name, target)
  }
  const work = async (): Promise<void> => {
    for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
      found.set(name, await resolveTarget(client, name, known.get(name)?.addresses ?? [], signal))
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return found
}

/** Addresses of both families. What cannot be asked for stays as it was. */
async function resolveTarget(
  client: DnsClient,
  name: string,
  before: readonly string[],
  signal: AbortSignal,
): Promise<Target> {
  const answers = await Promise.all([client.query(name, 'A', signal), client.query(name, 'AAAA', signal)])
  const addresses: string[] = []
  let ttl = Infinity
  let error: Error | null = null
  for (const [i, answer] of answers.entries()) {
    if (answer.kind === 'found') {
      addresses.push(...answer.records.filter(isAddress).map(({ address }) => address))
      ttl = Math.min(ttl, answer.ttl)
    } else if (answer.kind === 'failed') {
      error = answer.error
      addresses.push(...before.filter((address) => isIPv6(address) === (i === 1)))
    }
  }
  // A host without addresses of one family may have some soon; but it is not for it to say how often the others are asked.
  return { addresses, ttl, error }
}

function addressesByName(records: readonly DnsRecord[]): Map<string, Target> {
  const targets = new Map<string, Target>()
  for (const { name, address, ttl } of records.filter(isAddress)) {
    const before = targets.get(name)
    const addresses = [...(before?.addresses ?? []), address]
    targets.set(name, { addresses, ttl: Math.min(before?.ttl ?? Infinity, ttl), error: null })
  }
  return targets
}

function isAddress(record: DnsRecord): record is AddressRecord {
  return record.type !== 'SRV'
}

function isService(record: DnsRecord): record is ServiceRecord {
  return record.type === 'SRV'
}

function endpoint(scheme: Scheme, address: string, port: number, weight: number): DiscoveredEndpoint {
  const url = `${scheme}://${isIPv6(address) ? `[${address}]` : address}:${port}`
  return { url, weight, zone: '', region: '', metadata: {} }
}
