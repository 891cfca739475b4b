// The head of a route's own reply, written once: a request that changes nothing about it costs no string at all.
import type { HeaderEdits } from '../base/header-edits.ts'
import type { HeaderList } from '../base/headers.ts'
import { statusLine } from '../base/status-text.ts'
import type { RouteConfig } from '../config/schema.ts'
import type { ResponseHead } from '../contract/response-head.ts'
import type { FixedReply } from '../contract/snapshot.ts'

const NON_ASCII = /[\x80-\xff]/

export class FixedHead implements ResponseHead {
  readonly #fields: readonly string[]
  readonly #block: string | Uint8Array

  /** `fields`: flat, names in lower case, values checked. */
  constructor(status: number, fields: readonly string[]) {
    this.#fields = fields
    let block = statusLine(status)
    for (let i = 0; i < fields.length; i += 2) block += '\r\n' + fields[i]! + ': ' + fields[i + 1]!
    this.#block = NON_ASCII.test(block) ? Buffer.from(block, 'latin1') : block
  }

  copyTo(headers: HeaderList): void {
    headers.pushAll(this.#fields)
  }

  find(name: string): string {
    for (let i = 0; i < this.#fields.length; i += 2) if (this.#fields[i] === name) return this.#fields[i + 1]!
    return ''
  }

  block(edits: HeaderEdits): string | Uint8Array | null {
    return edits.length === 0 ? this.#block : null
  }
}

/** The reply that `respond` of a route, or of a fallback, asks for. */
export function fixedReply({ status = 200, body = '', headers = {} }: NonNullable<RouteConfig['respond']>): FixedReply {
  const flat = Object.entries(headers).flatMap(([name, value]) => [name.toLowerCase(), value])
  return Object.freeze({ status, head: new FixedHead(status, flat), body: Buffer.from(body) })
}
