// What a shared store holds beside the file of a gateway.

/** `routes/NAME`, `upstreams/NAME`, `paths`, `plugins` -> YAML or JSON text of that item. */
export type SharedItems = ReadonlyMap<string, string>

export interface SharedConfig {
  /** Put before a key where problems are told: `etcd:/sluice/edge/`. */
  readonly origin: string
  readonly items: SharedItems
}
