// A bound address plus the engine that reads it.

export interface ListenerOptions {
  readonly name: string
  /** `host:port`, `[::]:port` or `unix:/path`. */
  readonly bind: string
  /** Others of ours listen there, or will: another worker, or the generation before. Else it must be had alone. */
  readonly shared?: boolean
  /** Makes a request path canonical; '' refuses it. */
  readonly canonicalPath: (raw: string) => string
}

export interface Listener {
  readonly name: string
  /** The real address, e.g. `0.0.0.0:8080`: the port is known even when 0 was asked for. */
  readonly address: string
  /** 0 for a unix socket. */
  readonly port: number
  /** Requests between head and last byte. */
  readonly active: number
  /** Open connections. */
  readonly connections: number
  /** Replies close their connections from now on. New ones are accepted still. */
  closeConnectionsAfterReplies(): void
  /** Accepts no more connections; replies close theirs from now on. */
  stopAccepting(): void
  /** Closes every connection that is left. */
  close(): void
}

/** One that takes the requests of clients. */
export interface RequestListener extends Listener {
  /** Exchanges that are kept for the next requests. */
  readonly pooled: number
}

export type BindAddress = { readonly path: string } | { readonly host: string; readonly port: number }

/** Splits a valid `bind`. */
export function parseBind(bind: string): BindAddress {
  if (bind.startsWith('unix:')) return { path: bind.slice('unix:'.length) }
  const colon = bind.lastIndexOf(':')
  const host = bind.slice(0, colon)
  return { host: host.startsWith('[') ? host.slice(1, -1) : host, port: Number(bind.slice(colon + 1)) }
}
