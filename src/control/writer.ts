// Changes of the configuration from outside, one at a time: validated whole, written through to the source, waited for.
import type { Authorship, WriteOutcome } from './config-authority.ts'

/** A configuration as it was sent. */
export interface SentConfig {
  readonly form: 'yaml' | 'json'
  readonly text: string
}

export interface WriteRequest extends Authorship {
  /** The version that it was made from; null: whatever serves. */
  readonly base: number | null
  /** True: nothing is changed. */
  readonly dryRun: boolean
}

export interface ConfigWriter {
  readonly version: number
  replace(config: SentConfig, request: WriteRequest): Promise<WriteOutcome>
  /** RFC 7396 */
  patchRoute(name: string, patch: unknown, request: WriteRequest): Promise<WriteOutcome>
  putRoute(name: string, route: unknown, request: WriteRequest): Promise<WriteOutcome>
  deleteRoute(name: string, request: WriteRequest): Promise<WriteOutcome>
  activate(version: number, request: WriteRequest): Promise<WriteOutcome>
}
