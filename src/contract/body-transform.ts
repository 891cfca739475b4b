// What a plugin does with the bytes of a body while they stream.
import type { ErrorKind } from '../base/errors.ts'
import type { PluginExchange } from './plugin.ts'

/** One body in one direction. Made for each body, used once. */
export interface BodyTransform {
  /**
   * What goes on in place of `bytes`; null if nothing does yet. `bytes` are valid only during the call, and what is
   * returned until the next call. Throws BodyRefused, or anything else when the plugin fails.
   */
  chunk(bytes: Uint8Array): Uint8Array | null
  /** The last bytes; null without any. Called once, unless the body is cut. */
  end(): Uint8Array | null
}

/** Decides for one body; null leaves it as it is. Its length is unknown from here on: it goes out chunked. */
export type BodyStep = (x: PluginExchange) => BodyTransform | null

/** A transform does not accept the body: the request fails with `kind`, or is cut when its reply has begun. */
export class BodyRefused extends Error {
  override readonly name = 'BodyRefused'
  readonly kind: ErrorKind

  /** `detail` is shown to the client. */
  constructor(kind: ErrorKind, detail = '') {
    super(detail)
    this.kind = kind
  }
}
