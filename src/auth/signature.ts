// The one place that verifies signatures.
import { compactVerify } from 'jose'
import type { Algorithm } from '../contract/auth.ts'
import type { Key } from './key.ts'

/** Off the main thread. Only the first key that fits matters; a token without a key id may try a few. */
export async function isSigned(token: string, algorithm: Algorithm, keys: readonly Key[]): Promise<boolean> {
  for (const { object } of keys) {
    try {
      await compactVerify(token, object, { algorithms: [algorithm] })
      return true
    } catch {
      // the next key
    }
  }
  return false
}
