// How a service registers itself in etcd: a key with a lease that is kept alive. It comes back by itself when etcd has
// lost the lease.
import type { EtcdOptions } from '../../src/base/etcd-client.ts'
import { openEtcd, type EtcdLease, type EtcdLink } from '../../src/base/etcd-link.ts'

export interface Registered {
  readonly url: string
  readonly weight?: number
  readonly zone?: string
  readonly region?: string
  readonly metadata?: Readonly<Record<string, string>>
}

export class Registration {
  readonly #link: EtcdLink
  readonly #key: string
  readonly #seconds: number
  #value: string
  #lease: EtcdLease | null = null
  #closed = false

  private constructor(options: EtcdOptions, key: string, endpoint: Registered, seconds: number) {
    this.#link = openEtcd(options)
    this.#key = key
    this.#value = JSON.stringify(endpoint)
    this.#seconds = seconds
  }

  /** `seconds`: how long the key outlives a service that ends without a word. */
  static async open(options: EtcdOptions, key: string, endpoint: Registered, seconds = 10): Promise<Registration> {
    const registration = new Registration(options, key, endpoint, seconds)
    await registration.#register()
    return registration
  }

  async update(endpoint: Registered): Promise<void> {
    this.#value = JSON.stringify(endpoint)
    await this.#link.put(this.#key, this.#value, this.#lease)
  }

  /** Takes the endpoint out of the registry. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#lease?.revoke().catch(() => {}) // etcd is away: the lease ends by itself
    this.#link.close()
  }

  /** Ends without a word, as a service that crashes: the key goes when its lease ends. */
  abandon(): void {
    this.#closed = true
    this.#lease?.abandon()
    this.#link.close()
  }

  async #register(): Promise<void> {
    this.#lease = await this.#link.grantLease(this.#seconds, () => this.#registerAgain())
    await this.#link.put(this.#key, this.#value, this.#lease)
  }

  #registerAgain(): void {
    if (this.#closed) return
    this.#register().catch(() => setTimeout(() => this.#registerAgain(), 200))
  }
}
