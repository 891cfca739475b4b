// What this gateway tells the fleet of itself, in the store that it follows: who it is, and what serves here.
import { hostname } from 'node:os'
import { VERSION } from '../base/version.ts'
import type { GatewayConfig } from '../config/schema.ts'
import type { EtcdStore } from './etcd-store.ts'
import type { FleetEntry } from './fleet-entry.ts'
import type { InstanceStatus } from './fleet.ts'

/** Real addresses of listeners, `host:port`; null while there is no admin listener. */
export interface OwnAddresses {
  readonly admin: string | null
  readonly listeners: readonly string[]
}

export class Membership {
  readonly #addresses: () => OwnAddresses
  #withdrawn = false
  #joined: { readonly store: EtcdStore; readonly about: string; readonly entry: FleetEntry } | null = null

  constructor(addresses: () => OwnAddresses) {
    this.#addresses = addresses
  }

  /** Name in the fleet; '' for no member. */
  get instance(): string {
    return this.#joined?.entry.instance ?? ''
  }

  /** The configuration that serves says who this gateway is. Without a store it is nobody's member. */
  tell(store: EtcdStore | null, config: GatewayConfig, status: InstanceStatus): void {
    const { admin, listeners } = this.#addresses()
    const instance = config.instance ?? hostname()
    const place = {
      ...(config.region === undefined ? {} : { region: config.region }),
      ...(config.zone === undefined ? {} : { zone: config.zone }),
      ...(admin === null ? {} : { admin }),
      listeners,
    }
    const about = JSON.stringify([instance, place])
    if (this.#joined?.store !== store || this.#joined?.about !== about) {
      void this.leave()
      // A configuration that was on its way must not bring it back.
      if (store === null || this.#withdrawn) return
      const info = { ...place, version: VERSION, pid: process.pid, host: hostname(), started: STARTED }
      this.#joined = { store, about, entry: store.enter({ instance, info }) }
    }
    this.#joined.entry.update(status)
  }

  /** The fleet does not know it any more, for good. Never rejects. */
  withdraw(): Promise<void> {
    this.#withdrawn = true
    return this.leave()
  }

  /** The fleet does not know it, until it is told of it again. Never rejects. */
  async leave(): Promise<void> {
    const joined = this.#joined
    this.#joined = null
    await joined?.entry.withdraw()
  }
}

const STARTED = Math.round(performance.timeOrigin)
