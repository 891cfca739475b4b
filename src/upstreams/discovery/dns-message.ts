// One question to a DNS server, and what its answer means (RFC 1035, RFC 2308). Whatever an answer holds, reading it costs
// little and never throws.
import { randomInt } from 'node:crypto'
import { isIPv4, isIPv6 } from 'node:net'
import { decode, encode, RECURSION_DESIRED, type Answer, type DecodedPacket } from 'dns-packet'
import { isDomainName } from '../../base/dns-names.ts'

export type DnsType = 'A' | 'AAAA' | 'SRV'

export interface AddressRecord {
  /** Owner, in lower case, without a dot at the end. */
  readonly name: string
  readonly type: 'A' | 'AAAA'
  /** ms */
  readonly ttl: number
  readonly address: string
}

export interface ServiceRecord {
  readonly name: string
  readonly type: 'SRV'
  /** ms */
  readonly ttl: number
  readonly priority: number
  readonly weight: number
  readonly port: number
  /** In lower case; '' when the service is decidedly not offered (RFC 2782). */
  readonly target: string
}

export type DnsRecord = AddressRecord | ServiceRecord

export interface DnsFound {
  readonly kind: 'found'
  /** All of the type that was asked for; never empty. */
  readonly records: readonly DnsRecord[]
  /** What came along unasked: addresses of SRV targets. */
  readonly additional: readonly DnsRecord[]
  /** ms: the smallest of the records and of the aliases that led to them. */
  readonly ttl: number
}

export interface DnsAbsent {
  readonly kind: 'absent'
  readonly reason: 'NXDOMAIN' | 'NODATA'
  /** ms for which this may be believed. */
  readonly ttl: number
}

export interface DnsFailed {
  readonly kind: 'failed'
  readonly error: Error
}

export type DnsAnswer = DnsFound | DnsAbsent | DnsFailed

const HEADER = 12
/** Records of one answer. With pointers that lead through the whole message, reading so many costs 30 ms at worst. */
const MAX_RECORDS = 1024
const MAX_ALIASES = 16
/** ms for which a negative answer without SOA is believed. */
const NEGATIVE_TTL = 5000
/** Seconds; a TTL with the highest bit set counts as 0 (RFC 2181, section 8). */
const MAX_TTL = 2 ** 31 - 1

export function failed(message: string): DnsFailed {
  return { kind: 'failed', error: new Error(message) }
}

/** A question under a random id. */
export class Query {
  readonly bytes: Buffer
  readonly #name: string
  readonly #type: DnsType

  /** `name` is a domain name. */
  constructor(name: string, type: DnsType) {
    this.#name = normal(name)
    this.#type = type
    this.bytes = encode({
      type: 'query',
      id: randomInt(65_536),
      flags: RECURSION_DESIRED,
      questions: [{ name: this.#name, type, class: 'IN' }],
    })
  }

  /** Is it the answer to this question? Anything else may be forged, and is not even decoded. */
  isAnsweredBy(message: Buffer): boolean {
    const { bytes } = this
    if (message.length < bytes.length || message.readUInt16BE(0) !== bytes.readUInt16BE(0)) return false
    const isAnswer = (message[2]! & 0b1111_1000) === 0b1000_0000 // QR, and the opcode of a query
    return (
      isAnswer && message.readUInt16BE(4) === 1 && question(message, bytes.length) === question(bytes, bytes.length)
    )
  }

  /** Of a message that answers this. */
  isTruncated(message: Buffer): boolean {
    return (message[2]! & 0b10) !== 0
  }

  /** Of a message that answers this. */
  read(message: Buffer): DnsAnswer {
    const records = message.readUInt16BE(6) + message.readUInt16BE(8) + message.readUInt16BE(10)
    if (records > MAX_RECORDS) return failed(`an answer of ${records} records, more than ${MAX_RECORDS}`)
    try {
      return meaning(decode(message), this.#name, this.#type)
    } catch {
      return failed('a malformed answer')
    }
  }
}

/** The first thing in a message, so its name cannot be compressed. Case does not count. */
function question(message: Buffer, end: number): string {
  return message.toString('latin1', HEADER, end).toLowerCase()
}

function normal(name: string): string {
  return name.toLowerCase().replace(/\.$/, '')
}

// dns-packet puts the response code where its types do not say so.
type Decoded = DecodedPacket & { readonly rcode: string }

function meaning(packet: DecodedPacket, name: string, type: DnsType): DnsAnswer {
  const { rcode } = packet as Decoded
  if (rcode !== 'NOERROR' && rcode !== 'NXDOMAIN') return failed(`the answer ${rcode}`)
  const { answers = [], authorities = [], additionals = [] } = packet
  const owner = followAliases(answers, name)
  if (owner === null) return failed('aliases that lead in a circle, or too far')
  if (rcode === 'NXDOMAIN') return { kind: 'absent', reason: rcode, ttl: negativeTtl(authorities, owner.ttl) }
  const records = readable(answers).filter((record) => record.type === type && record.name === owner.name)
  if (records.length > 0) {
    const ttl = Math.min(owner.ttl, ...records.map((record) => record.ttl))
    return { kind: 'found', records, additional: readable(additionals), ttl }
  }
  // Whoever sends elsewhere (RFC 2308, section 2.2: NS and no SOA) does not know.
  const types = new Set(authorities.map((record) => record.type))
  if (types.has('NS') && !types.has('SOA')) return failed('a referral to other servers')
  return { kind: 'absent', reason: 'NODATA', ttl: negativeTtl(authorities, owner.ttl) }
}

/** The name at the end of the CNAMEs, and the smallest TTL (ms) on the way; null when there is no end. */
function followAliases(answers: readonly Answer[], name: string): { name: string; ttl: number } | null {
  const aliases = new Map<string, { target: string; ttl: number }>()
  for (const record of answers) {
    if (record.type !== 'CNAME' || record.class !== 'IN') continue
    aliases.set(normal(record.name), { target: normal(record.data), ttl: milliseconds(record.ttl) })
  }
  let ttl = Infinity
  for (let i = 0; i <= MAX_ALIASES; i++) {
    const alias = aliases.get(name)
    if (alias === undefined) return { name, ttl }
    name = alias.target
    ttl = Math.min(ttl, alias.ttl)
  }
  return null
}

/** Addresses and services; what makes no sense is left out. */
function readable(records: readonly Answer[]): DnsRecord[] {
  const found: DnsRecord[] = []
  for (const record of records) {
    if (record.type === 'OPT' || record.class !== 'IN') continue
    const name = normal(record.name)
    const ttl = milliseconds(record.ttl)
    if (record.type === 'A' || record.type === 'AAAA') {
      if (isUsable(record.type, record.data)) found.push({ name, type: record.type, ttl, address: record.data })
    } else if (record.type === 'SRV') {
      const { priority = 0, weight = 0, port, target } = record.data
      const usable = target === '.' || (port > 0 && isDomainName(target))
      if (usable) found.push({ name, type: 'SRV', ttl, priority, weight, port, target: normal(target) })
    }
  }
  return found
}

/** The unspecified address is how filters say no; connecting to it would reach this host. */
function isUsable(type: 'A' | 'AAAA', address: string): boolean {
  return type === 'A' ? isIPv4(address) && address !== '0.0.0.0' : isIPv6(address) && address !== '::'
}

/** RFC 2308, section 5. */
function negativeTtl(authorities: readonly Answer[], aliasTtl: number): number {
  for (const record of authorities) {
    if (record.type !== 'SOA') continue
    return Math.min(milliseconds(record.ttl), milliseconds(record.data.minimum), aliasTtl)
  }
  return Math.min(NEGATIVE_TTL, aliasTtl)
}

function milliseconds(ttl = 0): number {
  return ttl > MAX_TTL ? 0 : ttl * 1000
}
