// What supervisor and workers say to each other, over the IPC channel of the process. A worker does one thing at a time:
// the answer to `prepare`, `activate` and `discard` comes before the next of them is sent.
import type { Problem } from '../config/problem.ts'

/** A plugin that the worker loads by itself. */
export interface PluginReference {
  readonly name: string
  /** null: it comes with the gateway. */
  readonly path: string | null
  readonly revision: string
}

/** Real ports by name of the listener, where the configuration says 0. */
export type Ports = Readonly<Record<string, number>>

/** What is beside the slices of a configuration. */
export interface Shipment {
  readonly version: number
  readonly why: string
  readonly file: string
  readonly pluginDirectories: readonly string[]
  readonly plugins: readonly PluginReference[]
  readonly ports: Ports
}

export type ToWorker =
  /** It is worker `number` from now on; before, it waits. */
  | { readonly type: 'assign'; readonly number: number }
  /** Part of the configuration that comes next. */
  | { readonly type: 'slice'; readonly bytes: Uint8Array }
  /** The last part. */
  | { readonly type: 'prepare'; readonly bytes: Uint8Array; readonly shipment: Shipment }
  | { readonly type: 'activate' }
  | { readonly type: 'discard' }
  | { readonly type: 'ping' }
  | { readonly type: 'reopen-logs' }
  /** It is not ready from now on, and serves as before. */
  | { readonly type: 'refuse' }
  /** `limit`: ms that requests may take to finish; null: as the configuration says. `succeeded`: another generation has the addresses. */
  | { readonly type: 'stop'; readonly limit: number | null; readonly succeeded: boolean }

export type FromWorker =
  /** It is there, and is nobody in particular yet. */
  | { readonly type: 'hello' }
  /** `ports`: of all listeners that it has now. */
  | { readonly type: 'prepared'; readonly ports: Ports }
  | Refused
  | { readonly type: 'activated' }
  | { readonly type: 'discarded' }
  | { readonly type: 'pong' }
  /** Its last word. `cut`: requests that were cut off. */
  | { readonly type: 'stopped'; readonly cut: number }

export interface Refused {
  readonly type: 'refused'
  /** What is wrong with the configuration; empty when it is something else. */
  readonly problems: readonly Problem[]
  readonly message: string
  /** A plugin file on disk is not what the supervisor has read any more: it should look again. */
  readonly stale: boolean
}
