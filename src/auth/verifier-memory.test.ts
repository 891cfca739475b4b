// What a verifier remembers, for how long, and what happens when its keys change.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Signer } from '../../test/lab/tokens.ts'
import { allOf, es256, EXP, NOW, problemAtOnce, problemOf, TestKeys, verifierLab } from '../../test/lab/verifier.ts'
import { jwkKey } from './key.ts'

describe('what is remembered', () => {
  it('an accepted token is accepted at once, and derived once', async () => {
    const { verifier, check, derivations } = verifierLab()
    const token = es256.token({ exp: EXP, sub: 'me' })
    const first = await check(token)
    assert.ok(first.accepted)
    for (let i = 0; i < 3; i++) assert.equal(verifier.check(token, 0), first)
    assert.equal(derivations(), 1)
  })

  it('many requests with the same new token cost one verification', async () => {
    const { verifier, derivations } = verifierLab()
    const token = es256.token({ exp: EXP })
    const checks = Array.from({ length: 50 }, () => verifier.check(token, 0))
    assert.equal(verifier.sizes.running, 1)
    const results = await allOf(checks)
    assert.equal(new Set(results).size, 1)
    assert.deepEqual([derivations(), verifier.sizes.running], [1, 0])
  })

  it('exp is heeded on every hit, and so is nbf when the clock goes back', async () => {
    const { verifier, clock, check } = verifierLab()
    const token = es256.token({ exp: NOW + 10, nbf: NOW, iat: NOW })
    assert.ok((await check(token)).accepted)
    clock.time = 14_999
    assert.equal(problemAtOnce(verifier.check(token, 0)), 'accepted')
    clock.time = 15_000
    assert.match(problemOf(await check(token)), /expired/)
    clock.time = 0
    const other = es256.token({ exp: EXP, nbf: NOW })
    assert.ok((await check(other)).accepted)
    clock.time = -5001
    assert.match(problemAtOnce(verifier.check(other, 0)), /not valid yet/)
  })

  it('a token that is not valid yet is good in time, without another verification', async () => {
    const { verifier, clock, check, derivations } = verifierLab()
    const token = es256.token({ exp: EXP, nbf: NOW + 10 })
    assert.match(problemOf(await check(token)), /not valid yet/)
    assert.match(problemAtOnce(verifier.check(token, 0)), /not valid yet/)
    clock.time = 5000
    assert.equal(problemAtOnce(verifier.check(token, 0)), 'accepted')
    assert.equal(derivations(), 1)
  })

  it('after its ttl a token is verified again', async () => {
    const { verifier, clock, check, derivations } = verifierLab()
    const token = es256.token({ exp: EXP })
    await check(token)
    clock.time = 60_000
    assert.ok(verifier.check(token, 0) instanceof Promise)
    assert.ok((await check(token)).accepted)
    assert.equal(derivations(), 2)
  })

  it('garbage neither pushes out good tokens nor is verified twice', async () => {
    const { verifier, clock, check } = verifierLab()
    const good = es256.token({ exp: EXP })
    await check(good)
    const garbage = (i: number): string => `${good.slice(0, -80)}${String(i).padStart(6, 'A')}${good.slice(-74)}`
    for (let i = 0; i < 1100; i++) assert.match(problemOf(await check(garbage(i))), /signature/)
    assert.deepEqual(verifier.sizes, { accepted: 1, refused: 1000, running: 0 })
    assert.equal(problemAtOnce(verifier.check(good, 0)), 'accepted')
    assert.match(problemAtOnce(verifier.check(garbage(1099), 0)), /signature/)
    clock.time = 5000
    assert.ok(verifier.check(garbage(1099), 0) instanceof Promise)
  })

  it('so many at once are refused as unavailable', async () => {
    const { verifier } = verifierLab()
    const good = es256.token({ exp: EXP })
    const garbage = Array.from(
      { length: 4200 },
      (_, i) => `${good.slice(0, -80)}${String(i).padStart(6, 'A')}${good.slice(-74)}`,
    )
    const checks = garbage.map((token) => verifier.check(token, 0))
    const overload = checks.filter((checked) => !(checked instanceof Promise))
    assert.equal(overload.length, 104)
    for (const checked of overload) assert.ok('accepted' in checked && !checked.accepted && checked.unavailable)
    await allOf(checks)
    assert.equal(verifier.sizes.running, 0)
  })
})

describe('keys that change', () => {
  const two = new Signer('ES256', 'two')

  it('none yet: unavailable', () => {
    const { verifier } = verifierLab({}, new TestKeys())
    const checked = verifier.check(es256.token({ exp: EXP }), 0)
    assert.ok('accepted' in checked && !checked.accepted && checked.unavailable)
  })

  it('all that was remembered is forgotten', async () => {
    const keys = new TestKeys()
    keys.set.replace([jwkKey(es256.jwk, false)!])
    const { check, verifier } = verifierLab({}, keys)
    const [old, fresh] = [es256.token({ exp: EXP }), two.token({ exp: EXP }, { kid: 'one' })]
    assert.ok((await check(old)).accepted)
    assert.match(problemOf(await check(fresh)), /signature/)
    keys.set.replace([jwkKey({ ...two.jwk, kid: 'one' }, false)!])
    assert.match(problemOf(await check(old)), /signature/)
    assert.ok((await check(fresh)).accepted)
    assert.deepEqual(verifier.sizes, { accepted: 1, refused: 1, running: 0 })
  })

  it('what was verified with the old ones meanwhile is not remembered', async () => {
    const keys = new TestKeys()
    keys.set.replace([jwkKey(es256.jwk, false)!])
    const { check, verifier } = verifierLab({}, keys)
    const token = es256.token({ exp: EXP })
    const checking = verifier.check(token, 0)
    assert.ok(checking instanceof Promise)
    keys.set.replace([jwkKey(two.jwk, false)!])
    await checking
    assert.equal(verifier.sizes.accepted, 0)
    assert.match(problemOf(await check(token)), /not known/)
  })

  it('the token of an unknown key waits for it, with all others of the same text', async () => {
    const keys = new TestKeys()
    keys.set.replace([jwkKey(es256.jwk, false)!])
    let arrive = (): void => {}
    keys.arrival = new Promise((resolve) => (arrive = resolve))
    const { verifier } = verifierLab({}, keys)
    const token = two.token({ exp: EXP })
    const checks = [verifier.check(token, 0), verifier.check(token, 0)]
    keys.set.replace([jwkKey(es256.jwk, false)!, jwkKey(two.jwk, false)!])
    arrive()
    for (const checked of await allOf(checks)) assert.ok(checked.accepted)
    assert.ok(keys.asked >= 1)
  })

  it('unknown keys beyond a number that may wait are refused at once', async () => {
    const keys = new TestKeys()
    keys.set.replace([jwkKey(es256.jwk, false)!])
    let arrive = (): void => {}
    keys.arrival = new Promise((resolve) => (arrive = resolve))
    const { verifier } = verifierLab({}, keys)
    const unknown = Array.from({ length: 300 }, (_, i) => es256.token({ exp: EXP }, { kid: `made-up-${i}` }))
    const checks = unknown.map((token) => verifier.check(token, 0))
    assert.equal(checks.filter((checked) => checked instanceof Promise).length, 256)
    arrive()
    for (const checked of await allOf(checks)) assert.match(problemOf(checked), /not known/)
  })
})
