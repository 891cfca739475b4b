// A small keep-alive client for soak runs: one request at a time per connection, every reply checked.
import { connect, type Socket } from 'node:net'

export interface Reply {
  readonly status: number
  readonly body: string
}

export class Client {
  readonly socket: Socket
  #received = ''
  #closed = false
  #closes = false
  #wake: () => void = () => {}

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.socket.setEncoding('latin1')
    this.socket.on('data', (text: string) => {
      this.#received += text
      this.#wake()
    })
    this.socket.on('error', () => {})
    this.socket.on('close', () => {
      this.#closed = true
      this.#wake()
    })
  }

  /** No further request can be sent: it is closed, or the last reply has said that it will be. */
  get closed(): boolean {
    return this.#closed || this.#closes
  }

  /** null when the connection ends before the reply is complete. */
  async ask(text: string): Promise<Reply | null> {
    this.socket.write(text, 'latin1')
    for (;;) {
      const reply = this.#read()
      if (reply !== null) return reply
      if (this.#closed) return null
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  #read(): Reply | null {
    const end = this.#received.indexOf('\r\n\r\n')
    if (end < 0) return null
    const head = this.#received.slice(0, end).toLowerCase()
    this.#closes = head.includes('\r\nconnection: close')
    const status = Number(head.slice(9, 12))
    let from = end + 4
    let body = ''
    const length = /content-length: (\d+)/.exec(head)
    if (status === 204 || status === 304) body = ''
    else if (length !== null) {
      if (this.#received.length < from + Number(length[1])) return null
      body = this.#received.slice(from, (from += Number(length[1])))
    } else {
      for (;;) {
        const line = this.#received.indexOf('\r\n', from)
        if (line < 0) return null
        const size = parseInt(this.#received.slice(from, line), 16)
        if (this.#received.length < line + 4 + size) return null
        body += this.#received.slice(line + 2, line + 2 + size)
        from = line + 4 + size
        if (size === 0) break
      }
    }
    this.#received = this.#received.slice(from)
    return { status, body }
  }
}
