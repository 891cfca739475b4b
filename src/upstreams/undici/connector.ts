// Opens the connections of one endpoint for undici: counts them, bounds the time that connecting takes by the shared
// timer wheel, and notices what undici would pass off as a complete reply.
import type { Socket } from 'node:net'
import { buildConnector } from 'undici'
import { Timer, type TimerWheel } from '../../base/timer-wheel.ts'

/** The connection was not established in time. */
export class ConnectTimeout extends Error {
  override readonly name = 'ConnectTimeout'
}

export class Connector {
  /** Open connections, those being established included. */
  open = 0
  /**
   * True while the error of a socket is being told to its listeners. undici ends a close-delimited body as if it were
   * whole when the connection is reset (client-h1.js, onHttpSocketError); what ends meanwhile was cut.
   */
  breaking = false
  readonly connect: buildConnector.connector

  constructor(wheel: TimerWheel, timeout: number) {
    const connect = buildConnector({ allowH2: false, timeout: 0 })
    this.connect = (options, callback) => {
      // The types hide that the socket is returned at once.
      const socket = connect(options, (error, connected) => {
        wheel.disarm(timer)
        if (error !== null) callback(error, null)
        else callback(null, connected)
      }) as unknown as Socket
      const timer = new Timer(() => socket.destroy(new ConnectTimeout(`no connection within ${timeout} ms`)))
      if (timeout > 0) wheel.arm(timer, timeout)
      this.#watch(socket)
      socket.once('close', () => wheel.disarm(timer))
    }
  }

  #watch(socket: Socket): void {
    this.open++
    // First and last among the listeners of an error, whoever comes later: between them undici draws its conclusions.
    const first = (): void => void (this.breaking = true)
    const last = (): void => void (this.breaking = false)
    socket.prependListener('error', first)
    socket.on('error', last)
    socket.on('newListener', (event, listener) => {
      if (event !== 'error' || listener === last) return
      queueMicrotask(() => socket.off('error', last).on('error', last))
    })
    socket.once('close', () => {
      this.open--
    })
  }
}
