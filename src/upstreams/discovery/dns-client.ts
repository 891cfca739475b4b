// A stub resolver. node:dns tells no TTL of SRV records and of negative answers, and keeps its own ideas of servers.
import { createSocket } from 'node:dgram'
import { getServers } from 'node:dns'
import { connect, isIPv6 } from 'node:net'
import { isDomainName, parseNameServer, type NameServer } from '../../base/dns-names.ts'
import { failed, Query, type DnsAnswer, type DnsType } from './dns-message.ts'

export interface DnsClientOptions {
  /** `10.0.0.53`, `10.0.0.53:5353`, `::1`, `[::1]:5353`; those of the system when there are none. */
  readonly servers?: readonly string[]
  /** ms for which each server may take its time. Default 2000. */
  readonly timeout?: number
}

interface Server extends NameServer {
  readonly text: string
}

const DEFAULT_TIMEOUT = 2000
const MAX_SERVERS = 8
/** Datagrams on one question that answer something else: forged, late or broken. */
const MAX_STRAYS = 64
/** Over TCP each message is preceded by its length in two bytes (RFC 1035, section 4.2.2). */
const MAX_FRAME = 2 + 65_535

export class DnsClient {
  readonly #servers: readonly Server[]
  readonly #timeout: number

  /** Throws TypeError on a server that is no address. */
  constructor({ servers = [], timeout = DEFAULT_TIMEOUT }: DnsClientOptions = {}) {
    const texts = servers.length > 0 ? servers : getServers()
    this.#servers = texts.slice(0, MAX_SERVERS).map(parseServer)
    this.#timeout = timeout
  }

  /** Asks each server in turn until one knows. Never rejects; an aborted query has failed. */
  async query(name: string, type: DnsType, signal: AbortSignal): Promise<DnsAnswer> {
    if (!isDomainName(name)) return failed('not a domain name')
    const reasons: string[] = []
    for (const server of this.#servers) {
      if (signal.aborted) return failed('closed')
      const answer = await this.#ask(server, new Query(name, type), signal)
      if (answer.kind !== 'failed') return answer
      reasons.push(`${server.text}: ${answer.error.message}`)
    }
    return failed(`${name} ${type}: ${reasons.join('; ') || 'there is no DNS server'}`)
  }

  async #ask(server: Server, query: Query, signal: AbortSignal): Promise<DnsAnswer> {
    try {
      const short = await exchange(overUdp, server, query, this.#timeout, signal)
      if (!query.isTruncated(short)) return query.read(short)
      return query.read(await exchange(overTcp, server, query, this.#timeout, signal))
    } catch (error) {
      return failed((error as Error).message)
    }
  }
}

function parseServer(text: string): Server {
  const server = parseNameServer(text)
  if (server === null) {
    throw new TypeError(`"${text}" is not the address of a DNS server, such as 10.0.0.53 or [::1]:5353`)
  }
  return { text, ...server }
}

type Settle = (outcome: Buffer | Error) => void
/** Sends the query and settles at most once that matters; gives back how to close. */
type Road = (server: Server, query: Query, settle: Settle) => () => void

/** The message that answers. Rejects when there is none in time; everything is closed when it settles. */
function exchange(road: Road, server: Server, query: Query, timeout: number, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let close: (() => void) | null = null
    let over = false
    const settle: Settle = (outcome) => {
      if (over) return
      over = true
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
      close?.()
      if (outcome instanceof Error) reject(outcome)
      else resolve(outcome)
    }
    const stop = (): void => settle(new Error('closed'))
    const timer = setTimeout(() => settle(new Error(`no answer within ${timeout} ms`)), timeout)
    signal.addEventListener('abort', stop)
    try {
      close = road(server, query, settle)
    } catch (error) {
      settle(error as Error) // no descriptor left, for instance
    }
  })
}

/** A socket of its own for each question: its port is random, and it hears nobody but the server. */
function overUdp(server: Server, query: Query, settle: Settle): () => void {
  const socket = createSocket(isIPv6(server.host) ? 'udp6' : 'udp4')
  let strays = 0
  socket.on('error', settle)
  socket.on('message', (message) => {
    if (query.isAnsweredBy(message)) settle(message)
    else if (++strays >= MAX_STRAYS) settle(new Error('answers to other questions'))
  })
  socket.once('connect', () => socket.send(query.bytes))
  socket.connect(server.port, server.host)
  return () => socket.close()
}

function overTcp(server: Server, query: Query, settle: Settle): () => void {
  const socket = connect(server.port, server.host)
  const received = Buffer.allocUnsafe(MAX_FRAME)
  let length = 0
  socket.on('error', settle)
  socket.on('close', () => settle(new Error('the connection was closed before the answer')))
  socket.on('data', (bytes: Buffer) => {
    length += bytes.copy(received, length)
    if (length < 2) return
    const end = 2 + received.readUInt16BE(0)
    if (length < end) return
    const message = received.subarray(2, end)
    settle(query.isAnsweredBy(message) ? message : new Error('an answer to another question'))
  })
  const prefix = Buffer.alloc(2)
  prefix.writeUInt16BE(query.bytes.length)
  socket.write(Buffer.concat([prefix, query.bytes]))
  return () => socket.destroy()
}
