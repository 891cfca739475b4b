// One run of the gateway's code. A restart starts the next generation beside the one that serves, in a process of its own.
import type { Addresses } from './inheritance.ts'

/** What a process runs: a gateway, or a supervisor with its workers. */
export interface Generation {
  /** It takes requests: configured, listening, not draining. */
  readonly ready: boolean
  /** Where it listens. */
  readonly addresses: Addresses
  /** Reads its configuration again. */
  reload(): Promise<void>
  /** Opens its log files anew. */
  reopenLogs(): void
  /**
   * Finishes what is under way, for at most `limit` ms, and closes everything. `succeeded`: another generation has its
   * addresses by now, so that nobody is in a hurry and nobody needs to be told. Resolves with requests cut off.
   */
  stop(limit?: number, succeeded?: boolean): Promise<number>
}

/** What the first process tells the generations that it has started. */
export type Order =
  | { readonly order: 'ping'; readonly id: number }
  | { readonly order: 'stop'; readonly succeeded: boolean }
  /** The generation before has left. */
  | { readonly order: 'complete' }
  | { readonly order: 'reload' }
  | { readonly order: 'reopen-logs' }

/** What they tell it. */
export type Report =
  | { readonly report: 'alive'; readonly id: number; readonly ready: boolean; readonly addresses: AddressList }
  /** It has started; it listens. */
  | { readonly report: 'started'; readonly addresses: AddressList }
  | { readonly report: 'failed'; readonly reason: string }
  /** Somebody has asked it for a restart. */
  | { readonly report: 'restart' }

export type AddressList = readonly (readonly [name: string, address: string])[]

/** What a generation is told when it is started. */
export interface Mark {
  /** The first process is 1. */
  readonly number: number
  /** The generation before serves still. */
  readonly shared: boolean
  readonly addresses: AddressList
}

const MARK = 'SLUICE_GENERATION'

export function writeMark(mark: Mark): NodeJS.ProcessEnv {
  return { [MARK]: JSON.stringify(mark) }
}

/** null: this is the first process. Processes that this one starts do not find it any more. */
export function takeMark(environment: NodeJS.ProcessEnv): Mark | null {
  const text = environment[MARK]
  delete environment[MARK]
  return text === undefined ? null : (JSON.parse(text) as Mark)
}
