// A token that was verified before: what each further request with it pays. Requests bring strings of their own, so
// sixty-four copies take turns, none of which has a hash yet.
//   scripts/bench micro/jwt
import { TokenAuth, type Lender } from '../../src/auth/auth.ts'
import type { Host } from '../../src/contract/host.ts'
import { NEXT } from '../../src/contract/verdict.ts'
import jwt from '../../plugins/jwt/plugin.ts'
import { requestOf } from '../../test/lab/plugin-exchange.ts'
import { hmacToken, secondsFromNow } from '../../test/lab/tokens.ts'
import { measure } from './measure.ts'

const SECRET = 'a secret of thirty-two bytes or more'
const OTHERS = 10_000
const keys = { secret: SECRET }
const auth = new TokenAuth({} as Lender)
const rules = {
  keys,
  algorithms: ['HS256'] as const,
  issuers: ['me'],
  audiences: [],
  required: ['exp'],
  leeway: 5000,
  cache: { size: OTHERS, ttl: 3_600_000 },
  shared: null,
}

function token(sub: string, size: number): string {
  const claims = { iss: 'me', sub, exp: secondsFromNow(3600), filling: 'x'.repeat(size) }
  return 'Bearer ' + hmacToken(SECRET, { alg: 'HS256' }, claims)
}

/** Equal strings, flat and not the same. */
function copies(text: string): string[] {
  return Array.from({ length: 64 }, () => Buffer.from(text, 'latin1').toString('latin1'))
}

const verifier = auth.verifier(rules, () => ({}))
for (let i = 1; i < OTHERS; i++) await verifier.check(token(`user-${i}`, 0), 7)
for (const size of [100, 500, 2000]) {
  const text = token('me', size)
  await verifier.check(text, 7)
  const texts = copies(text)
  let turn = 0
  measure(`a check of a known token of ${text.length} characters among ${OTHERS}`, () => {
    const checked = verifier.check(texts[++turn & 63]!, 7)
    return 'accepted' in checked && checked.accepted ? 1 : 0
  })
}

const options = { keys, algorithms: ['HS256'], forward: { sub: 'x-user' } }
const { access } = jwt.compile(options, { auth } as unknown as Host)
const text = token('me', 500)
const exchanges = copies(text).map((value) => requestOf({ headers: ['authorization', value] }))
await access!(exchanges[0]!)
let turn = 0
measure(`the whole step of the plugin, with a forwarded claim`, () =>
  access!(exchanges[++turn & 63]!) === NEXT ? 1 : 0,
)
