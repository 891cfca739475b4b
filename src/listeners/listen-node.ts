// A server of Node on an address that the next generation of the gateway can share.
import { Server, type AddressInfo } from 'node:net'
import { claimAddress, listenOn, SHARES_PORTS } from './address-claim.ts'

export interface Listening {
  /** 0 for a unix socket. */
  readonly port: number
  /** Accepts no more; connections stay, also those of node:http that are idle. */
  stop(): void
}

/** Rejects with an Error that says what stands in the way. */
export async function listenShared(server: Server, bind: string, shared: boolean): Promise<Listening> {
  const claim = await claimAddress(bind, shared)
  const { address } = claim
  try {
    await listenOn(server, 'path' in address ? { path: address.path } : { ...address, reusePort: SHARES_PORTS })
    claim.take()
  } catch (error) {
    server.close()
    claim.giveUp()
    throw error
  }
  let open = true
  return {
    port: 'path' in address ? 0 : (server.address() as AddressInfo).port,
    stop() {
      if (!open) return
      open = false
      // The close of node:http would cut connections that are idle at this moment, and with them requests on their way.
      Server.prototype.close.call(server)
      claim.giveUp()
    },
  }
}
