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
  #joined: { readonly store: EtcdStore; readonly about: string; readonly entry: FleetEntry } | null = null
  #left = false

  constructor(addresses: () => OwnAddresses) {
    this.#addresses = addresses
  }

  /** Name in the fleet; '' for no member. */
  get instance(): string {
    return this.#joined?.entry.instance ?? ''
  }

  /** The configuration that serves says who this gateway is. Without a store it is nobody's member. */
  tell(store: EtcdStore | null, config: GatewayConfig, status: InstanceStatus): void {
    if (this.#left) return
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
      void this.withdraw()
      if (store === null) return
      const info = { ...place, version: VERSION, pid: process.pid, host: hostname(), started: STARTED }
      this.#joined = { store, about, entry: store.enter({ instance, info }) }
    }
    this.#joined.entry.update(status)
  }

  /** For good: what is on its way still is told to nobody. Never rejects. */
  leave(): Promise<void> {
    this.#left = true
    return this.withdraw()
  }

  /** The fleet knows it no longer. Never rejects. */
  async withdraw(): Promise<void> {
    const joined = this.#joined
    this.#joined = null
    await joined?.entry.withdraw()
  }
}

const STARTED = Math.round(performance.timeOrigin)
