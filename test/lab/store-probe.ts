// An etcd store with a record of all that it tells.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { StoredConfig } from '../../src/control/commit-log.ts'
import { EtcdStore, type EtcdStoreOptions } from '../../src/control/etcd-store.ts'
import { Watch } from './watch.ts'

export const PREFIX = '/sluice/edge'

export type ProbeOptions = Partial<EtcdStoreOptions> & { readonly url: string }

export class StoreProbe {
  readonly store: EtcdStore
  readonly states: StoredConfig[] = []
  readonly warnings: string[] = []
  readonly away: Error[] = []
  pending: readonly string[] = []
  backs = 0
  readonly #watch = new Watch()

  constructor(test: TestContext, { url, ...options }: ProbeOptions) {
    const look = (): void => this.#watch.look()
    this.store = new EtcdStore(
      { settings: { hosts: [url], prefix: PREFIX }, base: tmpdir(), directory: null, pendingGrace: 1, ...options },
      {
        committed: (config) => (this.states.push(config), look()),
        away: (error) => (this.away.push(error), look()),
        back: () => (this.backs++, look()),
        pending: (keys) => ((this.pending = keys), look()),
        warned: (message) => (this.warnings.push(message), look()),
      },
    )
    test.after(() => this.store.close())
  }

  /** One that has started; its first state counts as told. */
  static async start(test: TestContext, options: ProbeOptions): Promise<StoreProbe> {
    const probe = new StoreProbe(test, options)
    probe.states.push((await probe.store.start()).config)
    return probe
  }

  get version(): number {
    return this.states.at(-1)?.commit.version ?? -1
  }

  get items(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.states.at(-1)?.items ?? [])
  }

  until(condition: () => boolean, what: string): Promise<void> {
    return this.#watch.until(condition, what)
  }

  untilVersion(version: number): Promise<void> {
    return this.until(() => this.version === version, `version ${version}, not ${this.version}`)
  }

  /** Commits some texts on top of what is committed now; null: the item goes. */
  async write(items: Readonly<Record<string, string | null>>, base = this.version): Promise<number> {
    return this.store.write({ base, items: new Map(Object.entries(items)), author: 'test', message: 'a change' })
  }
}

/** A directory that goes when the test is over. */
export async function temporaryDirectory(test: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-state-'))
  test.after(() => rm(directory, { recursive: true, force: true }))
  return directory
}
