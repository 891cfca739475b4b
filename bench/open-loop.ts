// An open-loop client: requests are due at fixed times, whatever happens to those before them, and latency counts from the
// due time, so that a stalled gateway is charged for every request that waited (no coordinated omission). A bounded number
// of keep-alive connections; requests beyond it wait, and give up together with those on their way after `patience`.
// Its cost: 2,000 requests/s take 0.11 to 0.17 of a core, with a tick of 1 ms and all that scripts/bench faults does beside.
import { connect, type Socket } from 'node:net'

export type Outcome = 'ok' | 'status' | 'transport' | 'cut' | 'mixed' | 'timeout'

/** What became of a request. Times by the wall clock, in ms. */
export interface Sample {
  readonly due: number
  readonly latency: number
  /**
   * status: 500 and above. transport: the connection ended before a head. cut: after the head. mixed: a reply to another
   * request. timeout: nothing whole within `patience`.
   */
  readonly outcome: Outcome
  readonly status: number
}

export interface OpenLoopOptions {
  readonly port: number
  /** requests/s */
  readonly rate: number
  /** Connections at most. */
  readonly connections?: number
  /** ms */
  readonly patience?: number
}

export class OpenLoop {
  readonly samples: Sample[] = []
  readonly #port: number
  readonly #most: number
  readonly #patience: number
  readonly #every: number
  readonly #begun = performance.now()
  readonly #timer: NodeJS.Timeout
  readonly #idle: Connection[] = []
  readonly #busy = new Set<Connection>()
  /** Due times of requests that wait for a connection, from #first on. */
  #waiting: number[] = []
  #first = 0
  #sent = 0
  #due = 0

  constructor({ port, rate, connections = 512, patience = 10_000 }: OpenLoopOptions) {
    this.#port = port
    this.#most = connections
    this.#patience = patience
    this.#every = 1000 / rate
    this.#timer = setInterval(() => this.#tick(), 1)
  }

  /** Requests that were due so far. */
  get due(): number {
    return this.#due
  }

  /** No more requests; waits for those on their way. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    while (this.#busy.size > 0 || this.#first < this.#waiting.length) {
      this.#giveUp()
      this.#pump()
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    for (const connection of this.#idle) connection.socket.destroy()
  }

  #tick(): void {
    const now = performance.now() - this.#begun
    while (this.#due * this.#every <= now) this.#waiting.push(this.#begun + this.#due++ * this.#every)
    this.#giveUp()
    this.#pump()
  }

  #pump(): void {
    while (this.#first < this.#waiting.length) {
      let connection = this.#idle.pop()
      if (connection === undefined) {
        if (this.#busy.size >= this.#most) break
        connection = new Connection(this.#port, this.#settle)
      }
      this.#busy.add(connection)
      connection.send(this.#waiting[this.#first++]!, String(++this.#sent))
    }
    if (this.#first > 1000) {
      this.#waiting = this.#waiting.slice(this.#first)
      this.#first = 0
    }
  }

  #giveUp(): void {
    const oldest = performance.now() - this.#patience
    while (this.#waiting[this.#first] !== undefined && this.#waiting[this.#first]! < oldest) {
      this.#note(this.#waiting[this.#first++]!, 'timeout', 0)
    }
    // In the order in which they were sent: the first that has time ends the search.
    for (const connection of this.#busy) {
      if (connection.due >= oldest) break
      connection.end('timeout', 0)
    }
  }

  readonly #settle = (connection: Connection, outcome: Outcome | null, status: number): void => {
    const wasBusy = this.#busy.delete(connection)
    if (outcome !== null) this.#note(connection.due, outcome, status)
    if (outcome === 'ok' || outcome === 'status') this.#idle.push(connection)
    else if (!wasBusy) remove(this.#idle, connection)
  }

  #note(due: number, outcome: Outcome, status: number): void {
    this.samples.push({ due: due + performance.timeOrigin, latency: performance.now() - due, outcome, status })
  }
}

function remove(connections: Connection[], gone: Connection): void {
  const at = connections.indexOf(gone)
  if (at >= 0) connections.splice(at, 1)
}

class Connection {
  readonly socket: Socket
  due = 0
  #number = ''
  #received = ''
  #busy = false
  #over = false
  readonly #settle: (connection: Connection, outcome: Outcome | null, status: number) => void

  constructor(port: number, settle: (connection: Connection, outcome: Outcome | null, status: number) => void) {
    this.#settle = settle
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.socket.setEncoding('latin1')
    this.socket.on('data', (text: string) => this.#read(text))
    this.socket.on('error', () => {})
    this.socket.on('close', () => this.end(this.#received.includes('\r\n\r\n') ? 'cut' : 'transport', 0))
  }

  send(due: number, number: string): void {
    this.due = due
    this.#number = number
    this.#busy = true
    this.#received = ''
    this.socket.write(`GET / HTTP/1.1\r\nHost: bench\r\nX-Request-Number: ${number}\r\n\r\n`, 'latin1')
  }

  /** The connection is of no use any more. */
  end(outcome: Outcome, status: number): void {
    if (this.#over) return
    this.#over = true
    this.socket.destroy()
    this.#settle(this, this.#busy ? outcome : null, status)
  }

  #read(text: string): void {
    if (this.#over) return
    if (!this.#busy) return this.end('mixed', 0) // bytes that nobody asked for
    this.#received += text
    const end = this.#received.indexOf('\r\n\r\n')
    if (end < 0) return
    const head = this.#received.slice(0, end).toLowerCase()
    const bodyEnd = endOfBody(this.#received, head, end + 4)
    if (bodyEnd < 0) return
    const status = Number(head.slice(9, 12))
    // Replies that the gateway makes itself carry no number.
    const number = /\r\nx-request-number: (.*)/.exec(head)
    const isMixed = bodyEnd < this.#received.length || (number !== null && number[1] !== this.#number)
    if (isMixed) return this.end('mixed', status)
    const outcome = status >= 500 ? 'status' : 'ok'
    if (head.includes('\r\nconnection: close')) return this.end(outcome, status)
    this.#busy = false
    this.#settle(this, outcome, status)
  }
}

/** Index behind the body; -1 when more is to come. */
function endOfBody(text: string, head: string, from: number): number {
  const length = /\r\ncontent-length: (\d+)/.exec(head)
  if (length !== null) {
    const end = from + Number(length[1])
    return end <= text.length ? end : -1
  }
  if (!head.includes('\r\ntransfer-encoding: chunked')) return from
  const last = text.indexOf('\r\n0\r\n\r\n', from - 2)
  return last < 0 ? -1 : last + 7
}
