import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { reportedLoad } from './reported-load.ts'

describe('a reported load', () => {
  const cases: readonly [string, number][] = [
    ['0.42', 0.42],
    [' 0.42 ', 0.42],
    ['0', 0],
    ['1', 1],
    ['1.7', 1],
    ['4e-2', 0.04],
    ['TEXT cpu=0.3, mem=0.8', 0.3],
    ['cpu_utilization=0.3', 0.3],
    ['TEXT cpu_utilization=0.3,application_utilization=0.6', 0.6],
    ['TEXT application_utilization=0, cpu_utilization=0.3', 0.3],
    ['TEXT application_utilization=0', 0],
    ['TEXT mem=nonsense, cpu=0.5, =, rps', 0.5],
    ['cpu_utilization=7', 1],
    ['', -1],
    ['TEXT ', -1],
    ['TEXT mem=0.8', -1],
    ['NaN', -1],
    ['Infinity', -1],
    ['-0.1', -1],
    ['1e999', -1],
    ['0x1', -1],
    ['.', -1],
    ['0.1, 0.9', -1],
    ['cpu=0.1, cpu=0.9', -1],
    ['cpu=NaN', -1],
    ['cpu=', -1],
    ['cpu=-1, application_utilization=0.2', -1],
    ['JSON {"cpu_utilization": 0.3}', -1],
    ['BIN CZqZmZmZmbk/', -1],
    [`TEXT ${'a=1,'.repeat(300)}cpu=0.5`, -1],
  ]
  for (const [header, load] of cases) {
    it(`"${header.slice(0, 60)}" is ${load}`, () => assert.equal(reportedLoad(header), load))
  }

  it('is a share or -1, whatever is sent', () => {
    const parts = fc.array(fc.constantFrom('TEXT ', 'cpu', '=', ',', ' ', '0.5', '1e', '999', '-', 'NaN', '\0', 'é'))
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          parts.map((each) => each.join('')),
        ),
        (header) => {
          const load = reportedLoad(header)
          assert.ok(load === -1 || (load >= 0 && load <= 1))
        },
      ),
    )
  })
})
