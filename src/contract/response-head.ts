// The head of a reply that nobody has taken apart yet: what most replies stay until the client has them.
import type { HeaderEdits } from '../base/header-edits.ts'
import type { HeaderList } from '../base/headers.ts'

/** Lent by a transport until its attempt ends, or by a route for ever. */
export interface ResponseHead {
  /** Appends the fields, names in lower case, values as latin1. */
  copyTo(headers: HeaderList): void
  /** Value of the first field of this name, in lower case; '' without one. */
  find(name: string): string
  /**
   * Status, reason and fields as one block for the client, `200 OK\r\nname: value`, with `edits` applied, without Date,
   * framing and the last line end. Valid until the attempt ends. Null: the edits need `copyTo`.
   */
  block(edits: HeaderEdits): string | Uint8Array | null
}
