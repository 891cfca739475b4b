import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { DEBUG, ERROR, INFO, WARN } from './log-level.ts'
import { LogSampler, type SamplingRules } from './log-sampling.ts'

const RULES: SamplingRules = {
  rate: 100,
  debug: { share: 0.05, above: 0 },
  info: { share: 0.1, above: 0.01 },
  warn: { share: 1, above: 0.5 },
}

/** Which share is in force: a draw of 0 keeps every entry of a share above 0. */
const keeping = (): LogSampler => new LogSampler(RULES, () => 0)

/** Numbers from 0 to 1 that are the same in every run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

describe('sampling of log entries', () => {
  it('never leaves out an error, and says nothing but 0 or a share of the level', () => {
    const pauses = fc.array(fc.record({ level: fc.integer({ min: DEBUG, max: ERROR }), pause: fc.nat(3000) }))
    fc.assert(
      fc.property(pauses, fc.integer(), (entries, seed) => {
        const sampler = new LogSampler(RULES, seeded(seed))
        let time = 1000
        for (const { level, pause } of entries) {
          const share = sampler.decide(level, (time += pause))
          if (level === ERROR) assert.equal(share, 1)
          const tier = [RULES.debug, RULES.info, RULES.warn, { share: 1, above: 1 }][level]!
          assert.ok(share === 0 || share === tier.share || share === tier.above)
        }
      }),
    )
  })

  it('takes the share of quiet times below the rate, and the other one within two seconds above it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), fc.double({ min: 0, max: 1e9, noNaN: true }), (rate, start) => {
        fc.pre(Math.abs(rate - RULES.rate) > 5)
        const sampler = keeping()
        for (let i = 0; i < rate * 4; i++) {
          const share = sampler.decide(INFO, start + (i * 1000) / rate)
          if (rate < RULES.rate) assert.equal(share, 0.1)
          else if (i > rate * 2) assert.equal(share, 0.01)
        }
      }),
      { numRuns: 50 },
    )
  })

  it('goes back when the flood is over, and counts each level for itself', () => {
    const sampler = keeping()
    for (let i = 0; i < 1000; i++) sampler.decide(INFO, i)
    assert.equal(sampler.decide(INFO, 1000), 0.01)
    assert.equal(sampler.decide(WARN, 1000), 1)
    assert.equal(sampler.decide(DEBUG, 1000), 0.05)
    assert.equal(sampler.decide(INFO, 3000), 0.1)
  })

  it('lets counts be reconstructed: what is kept stands for what was offered', () => {
    fc.assert(
      fc.property(fc.integer(), fc.constantFrom(50, 400), (seed, rate) => {
        const sampler = new LogSampler(RULES, seeded(seed))
        const offered = 200_000
        let reconstructed = 0
        for (let i = 0; i < offered; i++) {
          const share = sampler.decide(INFO, (i * 1000) / rate)
          if (share > 0) reconstructed += 1 / share
        }
        // Six standard deviations of 2000 kept entries.
        assert.ok(Math.abs(reconstructed / offered - 1) < 6 / Math.sqrt(2000), `${reconstructed}`)
      }),
      { numRuns: 20 },
    )
  })
})
