// The examples of RFC 7515 appendix A, RFC 7519 section 6.1 and RFC 8037 appendix A.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Algorithm, TokenRules } from '../contract/auth.ts'
import { jwkKey } from './key.ts'
import { FixedKeys } from './key-set.ts'
import { isSigned } from './signature.ts'
import { Verifier } from './verifier.ts'

const CLAIMS = 'eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ'
/** ms: a second before the examples expire. */
const THEN = 1_300_819_379_000

const RSA_N =
  'ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ'

interface Example {
  readonly name: string
  readonly algorithm: Algorithm
  readonly token: string
  readonly jwk: object
}

const EXAMPLES: readonly Example[] = [
  {
    name: 'RFC 7515 A.1, HMAC SHA-256',
    algorithm: 'HS256',
    token: `eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.${CLAIMS}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk`,
    jwk: {
      kty: 'oct',
      k: 'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow',
    },
  },
  {
    name: 'RFC 7515 A.2, RSASSA-PKCS1-v1_5 SHA-256',
    algorithm: 'RS256',
    token: `eyJhbGciOiJSUzI1NiJ9.${CLAIMS}.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw`,
    jwk: { kty: 'RSA', n: RSA_N, e: 'AQAB' },
  },
  {
    name: 'RFC 7515 A.3, ECDSA P-256 SHA-256',
    algorithm: 'ES256',
    token: `eyJhbGciOiJFUzI1NiJ9.${CLAIMS}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q`,
    jwk: {
      kty: 'EC',
      crv: 'P-256',
      x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
      y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
    },
  },
]

/** Signatures over something that is no JSON. */
const NO_JSON: readonly Example[] = [
  {
    name: 'RFC 7515 A.4, ECDSA P-521 SHA-512',
    algorithm: 'ES512',
    token:
      'eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn',
    jwk: {
      kty: 'EC',
      crv: 'P-521',
      x: 'AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk',
      y: 'ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2',
    },
  },
  {
    name: 'RFC 8037 A.4, Ed25519',
    algorithm: 'EdDSA',
    token:
      'eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg',
    jwk: { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' },
  },
]

function verifierOf({ algorithm, jwk }: Example, wall: number): Verifier<object> {
  const rules: TokenRules = {
    keys: { jwks: '' },
    algorithms: [algorithm],
    issuers: ['joe'],
    audiences: [],
    required: ['exp'],
    leeway: 0,
    cache: { size: 10, ttl: 60_000 },
    shared: null,
  }
  const clock = { wall: () => wall, monotonic: () => 0 }
  return new Verifier(rules, () => ({}), new FixedKeys(jwkKey(jwk, true)!), clock)
}

describe('examples of the RFCs', () => {
  for (const example of EXAMPLES) {
    it(`${example.name}: accepted until it expires`, async () => {
      const good = await verifierOf(example, THEN).check(example.token, 0)
      assert.ok(good.accepted)
      assert.deepEqual(good.claims, { iss: 'joe', exp: 1_300_819_380, 'http://example.com/is_root': true })
      const late = await verifierOf(example, THEN + 1000).check(example.token, 0)
      assert.ok(!late.accepted && /expired/.test(late.problem))
    })
  }

  for (const { name, algorithm, token, jwk } of [...EXAMPLES, ...NO_JSON]) {
    it(`${name}: the signature, and none that differs in one bit`, async () => {
      const key = jwkKey(jwk, true)!
      assert.ok(await isSigned(token, algorithm, [key]))
      const dot = token.lastIndexOf('.') + 1
      const signature = Buffer.from(token.slice(dot), 'base64url')
      for (const at of [0, signature.length >> 1, signature.length - 1]) {
        const other = Buffer.from(signature)
        other[at]! ^= 1
        assert.ok(!(await isSigned(token.slice(0, dot) + other.toString('base64url'), algorithm, [key])))
      }
    })
  }

  it('payloads that are no claims are refused', () => {
    for (const example of NO_JSON) {
      const checked = verifierOf(example, THEN).check(example.token, 0)
      assert.ok('accepted' in checked && !checked.accepted && /malformed/.test(checked.problem))
    }
  })

  it('RFC 7519 6.1, an unsecured token, is refused', () => {
    for (const example of EXAMPLES) {
      const checked = verifierOf(example, THEN).check(`eyJhbGciOiJub25lIn0.${CLAIMS}.`, 0)
      assert.ok('accepted' in checked && !checked.accepted)
    }
  })
})
