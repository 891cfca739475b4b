// A DNS server on UDP and TCP that says what a test wants it to say, right or wrong.
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { decode, encode, RECURSION_AVAILABLE, type Answer, type DecodedPacket, type Question } from 'dns-packet'

const PATIENCE = 15_000
const TRUNCATED = 1 << 9
const RCODES = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as const

export interface DnsMessage {
  readonly rcode?: keyof typeof RCODES
  readonly answers?: readonly Answer[]
  readonly authorities?: readonly Answer[]
  readonly additionals?: readonly Answer[]
  readonly truncated?: boolean
  /** Another question than the one that was asked. */
  readonly question?: Question
  /** Added to the id. */
  readonly idOffset?: number
}

/** Bytes go out as they are. Nothing at all: silence. */
export type DnsReply = DnsMessage | Buffer
export type Over = 'udp' | 'tcp'
export type DnsScript = (question: Question, over: Over, query: DecodedPacket) => DnsReply | readonly DnsReply[]

export const SILENCE: readonly DnsReply[] = []
export const SERVFAIL: DnsMessage = { rcode: 'SERVFAIL' }

export function a(name: string, ttl: number, ...addresses: readonly string[]): Answer[] {
  return addresses.map((data) => ({ name, type: 'A', ttl, data }))
}

export function aaaa(name: string, ttl: number, ...addresses: readonly string[]): Answer[] {
  return addresses.map((data) => ({ name, type: 'AAAA', ttl, data }))
}

export function cname(name: string, ttl: number, data: string): Answer {
  return { name, type: 'CNAME', ttl, data }
}

export function srv(name: string, ttl: number, target: string, port: number, priority = 0, weight = 0): Answer {
  return { name, type: 'SRV', ttl, data: { target, port, priority, weight } }
}

export function soa(ttl: number, minimum: number): Answer {
  return { name: 'example', type: 'SOA', ttl, data: { mname: 'ns.example', rname: 'admin.example', minimum } }
}

/** Answers from a table: what it does not have is NODATA when it has the name, else NXDOMAIN. */
export function zone(records: readonly Answer[], negative: Answer = soa(60, 60)): DnsScript {
  return ({ name, type }) => {
    const own = records.filter((record) => record.name.toLowerCase() === name.toLowerCase())
    const answers = own.filter((record) => record.type === type)
    if (answers.length > 0) return { answers }
    return { rcode: own.length > 0 ? 'NOERROR' : 'NXDOMAIN', authorities: [negative] }
  }
}

export class DnsServer {
  /** `name type over`, in the order in which they came. */
  readonly queries: string[] = []
  script: DnsScript = () => SERVFAIL
  readonly #udp: UdpSocket
  readonly #tcp: Server
  readonly #sockets = new Set<Socket>()
  readonly #waiting = new Set<() => void>()

  private constructor(udp: UdpSocket, tcp: Server) {
    this.#udp = udp
    this.#tcp = tcp
    udp.on('message', (bytes, { port, address }) => {
      for (const reply of this.#replies(bytes, 'udp')) udp.send(reply, port, address)
    })
    tcp.on('connection', (socket) => this.#serve(socket))
  }

  static async start(test: TestContext, script?: DnsScript): Promise<DnsServer> {
    const server = await DnsServer.#bind()
    if (script !== undefined) server.script = script
    test.after(() => server.#close())
    return server
  }

  /** One port that is free for both. */
  static async #bind(): Promise<DnsServer> {
    for (let tries = 0; ; tries++) {
      const udp = createSocket('udp4')
      await new Promise<void>((resolve) => udp.bind(0, '127.0.0.1', resolve))
      const tcp = createServer()
      const free = await new Promise<boolean>((resolve) => {
        tcp.once('error', () => resolve(false)).listen(udp.address().port, '127.0.0.1', () => resolve(true))
      })
      if (free) return new DnsServer(udp, tcp)
      udp.close()
      if (tries > 20) throw new Error('no port is free for UDP and TCP')
    }
  }

  get address(): string {
    return `127.0.0.1:${(this.#tcp.address() as AddressInfo).port}`
  }

  /** Waits until something holds; looked at when a query comes, and often. */
  until(condition: () => boolean, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer)
        clearInterval(often)
        this.#waiting.delete(look)
      }
      const look = (): void => {
        if (!condition()) return
        end()
        resolve()
      }
      const timer = setTimeout(() => {
        end()
        reject(new Error(`waited in vain for ${what}; queries: ${this.queries.join(', ')}`))
      }, PATIENCE)
      const often = setInterval(look, 5)
      this.#waiting.add(look)
      look()
    })
  }

  #replies(bytes: Buffer, over: Over): Buffer[] {
    const query = decode(bytes)
    const question = query.questions![0]!
    this.queries.push(`${question.name} ${question.type} ${over}`)
    for (const look of this.#waiting) look()
    const replies = this.script(question, over, query)
    return [replies].flat().map((reply) => (Buffer.isBuffer(reply) ? reply : message(query, reply)))
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => this.#sockets.delete(socket))
    let received = Buffer.alloc(0)
    socket.on('data', (bytes: Buffer) => {
      received = Buffer.concat([received, bytes])
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return
      for (const reply of this.#replies(received.subarray(2), 'tcp')) {
        const length = Buffer.alloc(2)
        length.writeUInt16BE(reply.length)
        socket.write(length)
        socket.write(reply)
      }
      received = Buffer.alloc(0)
    })
  }

  async #close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all([
      new Promise<void>((resolve) => this.#udp.close(() => resolve())),
      new Promise((resolve) => this.#tcp.close(resolve)),
    ])
  }
}

/** The reply as bytes. */
export function message(query: DecodedPacket, reply: DnsMessage): Buffer {
  return encode({
    type: 'response',
    id: ((query.id ?? 0) + (reply.idOffset ?? 0)) & 0xffff,
    flags: RECURSION_AVAILABLE | RCODES[reply.rcode ?? 'NOERROR'] | (reply.truncated === true ? TRUNCATED : 0),
    questions: [reply.question ?? query.questions![0]!],
    answers: [...(reply.answers ?? [])],
    authorities: [...(reply.authorities ?? [])],
    additionals: [...(reply.additionals ?? [])],
  })
}
