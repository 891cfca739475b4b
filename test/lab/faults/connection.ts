// One connection to a faulty endpoint: reads requests one after the other and answers each as the fault of that moment has
// it.
import type { Socket } from 'node:net'
import { slowness, type Fault } from './fault.ts'
import type { ConnectionCounts, RequestCounts } from './ledger.ts'
import { abort } from './listening.ts'
import { RequestReader, type Request } from './request-reader.ts'

/** ms between bytes and the reset that follows them: together they would arrive as the reset alone. */
const BEFORE_RESET = 20
const DRIP = 100

/** What a connection needs of its endpoint. */
export interface Owner {
  readonly name: string
  readonly fault: Fault
  /** When the fault began. */
  readonly since: number
  readonly connections: ConnectionCounts
  /** Notes an arrival and returns where it is counted, and its number here. */
  arrive(request: Request): { readonly counts: RequestCounts; readonly number: number }
  /** Is this request one of the share that fails? */
  fails(counts: RequestCounts, share: number): boolean
  /** Something was counted. */
  changed(): void
}

interface Arrival {
  readonly request: Request
  readonly counts: RequestCounts
  readonly number: number
}

export class Connection {
  readonly #socket: Socket
  readonly #owner: Owner
  readonly #reader = new RequestReader()
  #timer: NodeJS.Timeout | null = null
  /** The request that is not yet counted as something. */
  #current: Arrival | null = null
  /** Whatever comes is thrown away. */
  #deaf = false
  /** Who ended it, when it was not the client. */
  #ended: 'reset' | 'finished' | null = null

  constructor(socket: Socket, owner: Owner, gone: (connection: Connection) => void) {
    this.#socket = socket
    this.#owner = owner
    owner.connections.accepted++
    owner.connections.open++
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => {
      if (this.#deaf) return
      this.#reader.feed(chunk)
      this.#serve()
    })
    socket.on('end', () => socket.end())
    socket.on('close', () => {
      this.#stopTimer()
      if (this.#current !== null) this.#current.counts.abandoned++
      owner.connections.open--
      owner.connections[this.#ended ?? 'left']++
      gone(this)
      owner.changed()
    })
    owner.changed()
  }

  /** Neither reads nor writes any more; stays open. */
  freeze(): void {
    this.#socket.pause()
    this.#stopTimer()
  }

  reset(): void {
    if (this.#ended === 'reset') return
    this.#ended = 'reset'
    this.#deaf = true
    this.#stopTimer()
    abort(this.#socket)
  }

  /** A timer means that an answer is on its way: requests behind it wait in the reader, so that replies never mix. */
  #serve(): void {
    while (this.#timer === null && !this.#deaf) {
      let request: Request | null
      try {
        request = this.#reader.next()
      } catch {
        return this.reset()
      }
      if (request === null) return
      this.#current = { request, ...this.#owner.arrive(request) }
      this.#answer(this.#current, this.#owner.fault)
      this.#owner.changed()
    }
  }

  #answer(arrival: Arrival, fault: Fault): void {
    switch (fault.kind) {
      case 'stall':
        this.#deaf = true
        return this.#count('held')
      case 'drip':
        return this.#drip(arrival, fault.part, fault.every ?? DRIP)
      case 'reset':
        return this.#break(arrival, fault.at)
      case 'lie':
        return this.#lie(arrival, fault.about)
      case 'errors': {
        const { share = 1, status = 503 } = fault
        if (this.#owner.fails(arrival.counts, share)) return this.#reply('failed', this.#whole(arrival, status))
        break
      }
      case 'slow': {
        const wait = slowness(fault, Date.now() - this.#owner.since)
        this.#timer = setTimeout(() => {
          this.#stopTimer()
          this.#reply('answered', this.#whole(arrival))
          this.#owner.changed()
          this.#serve()
        }, wait)
        return
      }
      case 'close-idle':
        this.#reply('answered', this.#whole(arrival))
        return this.#finish()
    }
    this.#reply('answered', this.#whole(arrival))
  }

  #reply(outcome: 'answered' | 'failed' | 'lied', bytes: string): void {
    this.#count(outcome)
    this.#socket.write(bytes, 'latin1')
  }

  #drip(arrival: Arrival, part: 'head' | 'body', every: number): void {
    const whole = this.#whole(arrival)
    let sent = part === 'head' ? 0 : whole.indexOf('\r\n\r\n') + 4
    this.#socket.write(whole.slice(0, sent), 'latin1')
    this.#count('dripped')
    this.#timer = setInterval(() => {
      this.#socket.write(whole.charAt(sent++), 'latin1')
      if (sent < whole.length) return
      this.#stopTimer()
      this.#serve()
    }, every)
  }

  #break(arrival: Arrival, at: 'start' | 'body'): void {
    this.#count('reset')
    if (at === 'start') return this.reset()
    this.#deaf = true
    const whole = this.#whole(arrival)
    this.#socket.write(whole.slice(0, -10), 'latin1', () => {
      this.#timer = setTimeout(() => this.reset(), BEFORE_RESET)
    })
  }

  #lie(arrival: Arrival, about: (Fault & { readonly kind: 'lie' })['about']): void {
    if (about === 'garbage') return this.#reply('lied', '\x00\x01\x02 garbage\r\n\r\n')
    if (about === 'second') return this.#reply('lied', this.#whole(arrival) + reply(200, 'unasked', '"nobody asked"'))
    this.#reply('lied', this.#whole(arrival, 200, about === 'long' ? 64 : -5))
    if (about === 'long') this.#finish()
  }

  #finish(): void {
    this.#ended ??= 'finished'
    this.#deaf = true
    this.#socket.end()
  }

  #count(outcome: keyof RequestCounts): void {
    this.#current!.counts[outcome]++
    this.#current = null
  }

  #whole({ request, number }: Arrival, status = 200, lie = 0): string {
    const body = JSON.stringify({ endpoint: this.#owner.name, request: number, method: request.method })
    return reply(status, request.number === '' ? String(number) : request.number, body, lie)
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }
}

function reply(status: number, number: string, body: string, lie = 0): string {
  return (
    `HTTP/1.1 ${status} ${status < 400 ? 'OK' : 'Fault'}\r\ncontent-type: application/json\r\n` +
    `content-length: ${body.length + lie}\r\nx-request-number: ${number}\r\n\r\n${body}`
  )
}
