// How plugins are switched on, replaced and off: global, then paths from least to most specific, then the route.
// A later value replaces the earlier one whole; `off` removes it; `on` brings back the options inherited so far.

/** Where a toggle was written. */
export interface Origin {
  /** `plugins`, `paths./api/**`, `routes[2].plugins`, or `routes/users.plugins` of a shared store. */
  readonly where: string
  /** What the position is in: `etcd:/sluice/edge/routes/users`; absent: the configuration file. */
  readonly file?: string
  readonly line: number
  readonly column: number
}

/** Validated options with defaults and units resolved, or a switch. */
export type ToggleValue = { readonly options: unknown } | 'on' | 'off'

export interface Toggle {
  readonly plugin: string
  readonly value: ToggleValue
  readonly origin: Origin
}

/** What one plugin came to on one route; kept for explain even when it is off. */
export interface ResolvedToggle {
  readonly plugin: string
  readonly enabled: boolean
  /** null when never configured (then `on` means the defaults that the loader put into `options`). */
  readonly options: unknown
  /** The toggle that decided, then those that it overruled, latest first. */
  readonly origins: readonly Origin[]
}

/** Merges layers, least specific first. `defaults` gives the options of a plugin that is only switched on. */
export function mergeToggles(
  layers: readonly (readonly Toggle[])[],
  defaults: (plugin: string) => unknown,
): ResolvedToggle[] {
  const resolved = new Map<string, ResolvedToggle>()
  for (const layer of layers) {
    for (const { plugin, value, origin } of layer) {
      const before = resolved.get(plugin)
      const inherited = before?.options ?? null
      const options =
        typeof value === 'object' ? value.options : (inherited ?? (value === 'on' ? defaults(plugin) : null))
      const origins = [origin, ...(before?.origins ?? [])]
      resolved.set(plugin, { plugin, enabled: value !== 'off', options, origins })
    }
  }
  return [...resolved.values()]
}
