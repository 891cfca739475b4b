import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { ConsistentHash } from './consistent-hash.ts'
import { hashOf } from './hash-of.ts'

const KEYS = 100_000
const hashes = Uint32Array.from({ length: KEYS }, (_, i) => hashOf(`session-${i}`))

function endpointKeys(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `http://10.0.0.${i}:8080`)
}

function group(keys: readonly string[], weights = keys.map(() => 1), factor = 0) {
  const candidates = { loads: keys.map(() => ({ inFlight: 0, latency: 0 })), weights: Float64Array.from(weights) }
  return { ...candidates, balancer: new ConsistentHash(candidates, keys, factor) }
}

/** Whose each of the 100,000 keys is, by name. */
function ownersOf(keys: readonly string[], balancer: ConsistentHash): string[] {
  return Array.from(hashes, (hash) => keys[balancer.pick(hash)]!)
}

function counted(owners: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const owner of owners) counts.set(owner, (counts.get(owner) ?? 0) + 1)
  return counts
}

describe('consistent hashing', () => {
  it('moves only the keys of an endpoint that goes', () => {
    for (const count of [4, 10, 100]) {
      const keys = endpointKeys(count)
      const before = ownersOf(keys, group(keys).balancer)
      const left = keys.toSpliced(count >> 1, 1)
      const after = ownersOf(left, group(left).balancer)
      const moved = before.filter((owner, i) => owner !== after[i]).length
      assert.ok(moved / KEYS <= 1 / count + 0.05, `${count}: ${moved}`)
      before.forEach((owner, i) => assert.ok(owner === keys[count >> 1] || owner === after[i]))
    }
  })

  it('does not depend on the order of the endpoints', () => {
    const keys = endpointKeys(10)
    const turned = keys.toReversed()
    assert.deepEqual(ownersOf(keys, group(keys).balancer), ownersOf(turned, group(turned).balancer))
  })

  it('gives everyone about its share', () => {
    for (const count of [4, 100]) {
      const keys = endpointKeys(count)
      const weights = keys.map((_, i) => 1 + (i % 4))
      const sum = weights.reduce((a, b) => a + b, 0)
      const counts = counted(ownersOf(keys, group(keys, weights).balancer))
      keys.forEach((key, i) => {
        const part = counts.get(key)! / ((KEYS * weights[i]!) / sum)
        assert.ok(part > 0.65 && part < 1.4, `${key}: ${part}`)
      })
    }
  })

  it('skips one of weight 0 without moving other keys, and gives it back what it had', () => {
    const keys = endpointKeys(10)
    const { weights, balancer } = group(keys)
    const before = ownersOf(keys, balancer)
    weights[3] = 0
    balancer.weightsChanged()
    const without = ownersOf(keys, balancer)
    before.forEach((owner, i) => assert.ok(owner === keys[3] ? without[i] !== owner : without[i] === owner))
    weights[3] = 1
    balancer.weightsChanged()
    assert.deepEqual(ownersOf(keys, balancer), before)
  })

  it('moves keys only to or from the one whose weight changes, also beyond the ring that was built', () => {
    const keys = endpointKeys(8)
    const { weights, balancer } = group(keys)
    for (const weight of [0.3, 1, 1.7, 5, 2]) {
      const [before, old] = [ownersOf(keys, balancer), weights[2]!]
      weights[2] = weight
      balancer.weightsChanged()
      const after = ownersOf(keys, balancer)
      const winner = weight > old ? after : before
      before.forEach((owner, i) => assert.ok(owner === after[i] || winner[i] === keys[2]))
      const part = counted(after).get(keys[2]!)! / ((KEYS * weight) / (7 + weight))
      assert.ok(part > 0.7 && part < 1.35, `${weight}: ${part}`)
    }
  })

  it('answers whatever the weights become', () => {
    const list = fc.array(fc.oneof(fc.constant(0), fc.double({ min: 1e-3, max: 70_000, noNaN: true })), {
      minLength: 5,
      maxLength: 5,
    })
    fc.assert(
      fc.property(fc.array(list, { minLength: 1, maxLength: 6 }), fc.nat(2 ** 32 - 1), (changes, hash) => {
        const { weights, balancer } = group(endpointKeys(5), [0, 0, 0, 0, 0], 1.25)
        assert.equal(balancer.pick(hash), -1)
        for (const next of changes) {
          weights.set(next)
          balancer.weightsChanged()
          for (const each of [0, hash, 2 ** 32 - 1]) {
            const pick = balancer.pick(each)
            if (next.every((weight) => weight === 0)) assert.equal(pick, -1)
            else assert.ok(weights[pick]! > 0)
          }
        }
      }),
      { numRuns: 30 },
    )
    assert.equal(group([]).balancer.pick(7), -1)
  })
})

describe('the bound of loads', () => {
  it('holds with every request, also when half of them ask for one key', () => {
    for (const factor of [1, 1.25, 2]) {
      const keys = endpointKeys(10)
      const shares = keys.map((_, i) => 1 + (i % 3))
      const sum = shares.reduce((a, b) => a + b, 0)
      const { loads, balancer } = group(keys, shares, factor)
      const underWay: number[] = []
      for (let i = 0; i < 50_000; i++) {
        const total = underWay.length
        const pick = balancer.pick(i % 2 === 0 ? hashes[0]! : hashes[i]!)
        const bound = Math.ceil(factor * (shares[pick]! / sum) * (total + 1) - 1e-9)
        loads[pick]!.inFlight++
        assert.ok(loads[pick]!.inFlight <= bound, `${loads[pick]!.inFlight} of ${total}, bound ${bound}`)
        underWay.push(pick)
        // Replies come in another order than requests went.
        if (total > 200) loads[underWay.splice((i * 7919) % total, 1)[0]!]!.inFlight--
      }
    }
  })

  it('sends what is too much to the next on the ring, always the same', () => {
    const keys = endpointKeys(5)
    const { loads, balancer } = group(keys, undefined, 1.25)
    const first = balancer.pick(hashes[5]!)
    loads[first]!.inFlight = 1
    const second = balancer.pick(hashes[5]!)
    assert.notEqual(second, first)
    const rest = keys.toSpliced(first, 1)
    assert.equal(keys[second], rest[group(rest).balancer.pick(hashes[5]!)])
    // Off: the key alone decides.
    const unbound = group(keys)
    unbound.loads[first]!.inFlight = 1000
    assert.equal(unbound.balancer.pick(hashes[5]!), first)
  })

  it('is refused below 1', () => {
    assert.throws(() => group(endpointKeys(2), undefined, 0.5), RangeError)
    assert.throws(() => group(endpointKeys(2), undefined, Number.NaN), RangeError)
  })
})
