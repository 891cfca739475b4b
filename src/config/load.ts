// A document by itself -> a valid configuration, or every problem that it has, each where it was written.
import type { ConfigDocument } from './document.ts'
import { ConfigLoader } from './loader.ts'
import type { Problem } from './problem.ts'
import type { PluginSchema } from './toggle-reader.ts'
import type { ValidConfig } from './valid-config.ts'

export type { PathToggles } from './item.ts'
export type { PluginSchema } from './toggle-reader.ts'
export type { ValidConfig } from './valid-config.ts'

export type Loaded =
  { readonly ok: true; readonly config: ValidConfig } | { readonly ok: false; readonly problems: readonly Problem[] }

/** Once and at once, without anything from a shared store. Never throws on bad input. */
export function loadConfig(document: ConfigDocument, plugins: ReadonlyMap<string, PluginSchema>): Loaded {
  return new ConfigLoader().loadAtOnce({ document, shared: null, plugins })
}
