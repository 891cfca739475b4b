// The text that is signed. docs/plugins/hmac-auth.md defines it; clients are written after that page.
import type { PluginExchange } from '../../src/contract/plugin.ts'

/** What was read of the head before the signature is compared. */
export interface SignedHead {
  /** Value of X-Date or Date, as sent. */
  readonly date: string
  /** Value of Content-Digest, as sent; '' if absent. */
  readonly digest: string
}

/** One line for each part. No part has a line end, so that no two requests have the same text. */
export function canonicalText(x: PluginExchange, { date, digest }: SignedHead, headers: readonly string[]): string {
  let text = `HMAC-SHA256\n${x.method}\n${x.path}\n${x.search}\n${date}\n${digest}`
  for (let i = 0; i < headers.length; i++) text += `\n${headers[i]!}:${x.header(headers[i]!)}`
  return text
}
