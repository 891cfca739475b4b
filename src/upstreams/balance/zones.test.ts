import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { sharesOfLevels } from './zones.ts'

const percent = (usable: number) => ({ usable, total: 100 })

describe('shares of levels', () => {
  // The tables of Envoy's documentation.
  const cases: readonly [readonly number[], readonly number[]][] = [
    [
      [100, 100],
      [100, 0],
    ],
    [
      [72, 100],
      [100, 0],
    ],
    [
      [71, 100],
      [99.4, 0.6],
    ],
    [
      [50, 100],
      [70, 30],
    ],
    [
      [25, 100],
      [35, 65],
    ],
    [
      [0, 100],
      [0, 100],
    ],
    [
      [25, 25],
      [50, 50],
    ],
    [
      [100, 0, 0],
      [100, 0, 0],
    ],
    [
      [50, 25, 100],
      [70, 30, 0],
    ],
    [
      [20, 20, 10],
      [40, 40, 20],
    ],
    [
      [0, 0],
      [0, 0],
    ],
  ]
  for (const [usable, expected] of cases) {
    it(`of which ${usable.join(', ')} % are usable`, () => {
      sharesOfLevels(usable.map(percent)).forEach((share, i) => assert.ok(Math.abs(share * 100 - expected[i]!) < 1e-9))
    })
  }

  it('make a whole, and prefer the near ones', () => {
    const level = fc.record({ usable: fc.nat(100), total: fc.nat(100) })
    fc.assert(
      fc.property(
        fc.array(level, { minLength: 1, maxLength: 4 }),
        fc.double({ min: 1, max: 3, noNaN: true }),
        (levels, factor) => {
          const real = levels.map(({ usable, total }) => ({ usable: Math.min(usable, total), total }))
          const shares = sharesOfLevels(real, factor)
          const sum = shares.reduce((a, b) => a + b, 0)
          assert.ok(Math.abs(sum - (real.some(({ usable }) => usable > 0) ? 1 : 0)) < 1e-9)
          shares.forEach((share, i) => {
            assert.ok(share >= 0)
            if (real[i]!.usable === 0) assert.equal(share, 0)
            if (i === 0 && real[0]!.total > 0 && real[0]!.usable === real[0]!.total) assert.equal(share, 1)
          })
        },
      ),
    )
  })
})
