// One configuration on its way to several workers: what is the same for all of them is made once.
import type { ValidConfig } from '../config/load.ts'
import { fileOfPlugin } from '../control/plugin-directory.ts'
import type { Candidate } from '../control/serving.ts'
import { encodeConfig } from './config-delta.ts'
import type { Shipment } from './messages.ts'

export class Shipments {
  readonly shipment: Omit<Shipment, 'ports'>
  readonly #valid: ValidConfig
  readonly #plugins: readonly string[]
  /** By what a worker has already. */
  readonly #slices = new Map<ValidConfig | null, Promise<Uint8Array[]>>()

  constructor({ validated, version, why }: Candidate) {
    const { valid, plugins, file, pluginDirectories } = validated
    this.#valid = valid
    this.#plugins = [...plugins.keys()]
    this.shipment = {
      version,
      why,
      file,
      pluginDirectories,
      plugins: [...plugins.values()].map((plugin) => ({
        name: plugin.name,
        path: fileOfPlugin(plugin),
        revision: plugin.revision,
      })),
    }
  }

  /** All that a worker with that configuration needs; the tail comes last. */
  from(base: ValidConfig | null): Promise<Uint8Array[]> {
    let slices = this.#slices.get(base)
    if (slices === undefined) this.#slices.set(base, (slices = encodeConfig(base, this.#valid, this.#plugins)))
    return slices
  }

  /** Whoever comes now comes alone: what was made for all of them is not kept. */
  forget(): void {
    this.#slices.clear()
  }
}
