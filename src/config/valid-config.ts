// What comes out of the loader.
import type { PathToggles } from './item.ts'
import type { GatewayConfig } from './schema.ts'
import type { Toggle } from './toggles.ts'

/** What has not changed since the configuration before is the same object as there. */
export interface ValidConfig {
  /** Units are numbers, defaults are filled in, variables replaced; deeply frozen. */
  readonly config: GatewayConfig
  readonly toggles: {
    readonly global: readonly Toggle[]
    /** Least specific first. */
    readonly paths: readonly PathToggles[]
    /** By route index. */
    readonly routes: readonly (readonly Toggle[])[]
  }
  /** Options of a plugin that is only switched on. */
  readonly defaults: (plugin: string) => unknown
}
