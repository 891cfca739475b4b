// Whose connection a request came on. uWS knows only by asking the kernel and handing out new memory, for every request
// anew: 5 % of a proxied one. But it tells when connections open and close, and where all that are open come from one
// address, as behind a load balancer or a sidecar, the answer is known.
import type { HttpResponse } from 'uWebSockets.js'
import { peerAddress } from './peer-address.ts'

export class Peers {
  /** Address of every open connection; '' when there are several. */
  #only = ''
  /** Connections that are open. */
  open = 0

  /** As App.filter tells it: `change` is 1 for a connection that was opened, -1 for one that was closed. */
  count(res: HttpResponse, change: number): void {
    this.open += change
    if (change < 0) return
    const address = peerAddress(res.getRemoteAddress())
    if (this.open === 1) this.#only = address
    else if (address !== this.#only) this.#only = '' // until none is open any more: a close does not say whose it is
  }

  addressOf(res: HttpResponse): string {
    return this.#only === '' ? peerAddress(res.getRemoteAddress()) : this.#only
  }
}
