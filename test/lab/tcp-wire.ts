// A wire to a server that a test can cut: connections through it are lost, and no new ones are accepted, until it is mended.
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

export class TcpWire {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #port = 0

  private constructor(target: number) {
    this.#server = createServer((inner) => {
      const outer = connect(target, '127.0.0.1')
      for (const [one, other] of [
        [inner, outer],
        [outer, inner],
      ] as const) {
        this.#sockets.add(one)
        one.on('error', () => {})
        one.on('close', () => {
          this.#sockets.delete(one)
          other.destroy()
        })
        one.pipe(other)
      }
    })
  }

  static async start(test: Pick<TestContext, 'after'>, target: number): Promise<TcpWire> {
    const wire = new TcpWire(target)
    await wire.mend()
    test.after(() => wire.cut())
    return wire
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  async mend(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve))
    this.#port = (this.#server.address() as AddressInfo).port
  }

  async cut(): Promise<void> {
    if (!this.#server.listening) return
    const closed = new Promise((resolve) => this.#server.close(resolve))
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }
}
