// The WWW-Authenticate field (RFC 9110 section 11.6.1): what a client would have to show.
import { isFieldValue } from './headers.ts'

/** `SCHEME realm="..."`. Throws TypeError on a realm that no header could carry. */
export function challenge(scheme: string, realm: string): string {
  if (!isFieldValue(realm)) throw new TypeError('realm has characters that HTTP forbids in a header')
  return `${scheme} realm="${realm.replaceAll(/["\\]/g, String.raw`\$&`)}"`
}
