import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { describe, it } from 'node:test'
import { cycles, dangling, importsOf, violations, type Imports } from './imports.ts'
import { readSources, ROOT } from './sources.ts'

describe('the floors', () => {
  it('hold for every import of the gateway and its plugins', async () => {
    const imports = await importsIn(['src', 'plugins'])
    assert.ok(imports.size > 50, 'the sources were found')
    assert.ok(imports.get('src/gateway.ts')!.length > 10, 'the imports were found')
    assert.deepEqual(violations(imports), [])
    assert.deepEqual(cycles(imports), [])
  })

  it('stand on files that exist, tests and scripts included', async () => {
    const imports = await importsIn(['src', 'plugins', 'test', 'bench', 'scripts'])
    assert.deepEqual(
      dangling(imports, (file) => existsSync(new URL(file, ROOT))),
      [],
    )
  })
})

describe('the check of the floors', () => {
  const forbidden: readonly [string, string, RegExp][] = [
    ['src/base/a.ts', 'src/config/b.ts', /downward/],
    ['src/contract/a.ts', 'src/road/b.ts', /downward/],
    ['src/road/a.ts', 'src/gateway.ts', /downward/],
    ['src/gateway.ts', 'src/cli/main.ts', /one floor/],
    ['src/router/a.ts', 'src/chain/b.ts', /one floor/],
    ['src/config/a.ts', 'src/telemetry/b.ts', /one floor/],
    ['src/nowhere/a.ts', 'src/base/b.ts', /no floor/],
    ['src/road/a.ts', 'src/nowhere/b.ts', /no floor/],
    ['src/road/a.ts', 'plugins/cors/plugin.ts', /loaded/],
    ['src/road/a.ts', 'test/lab/gateway.ts', /leaves src/],
    ['plugins/cors/plugin.ts', 'src/road/b.ts', /Host/],
    ['plugins/cors/plugin.ts', 'src/config/b.ts', /Host/],
    ['plugins/cors/plugin.ts', 'plugins/headers/plugin.ts', /another plugin/],
    ['plugins/cors/plugin.ts', 'test/lab/gateway.ts', /leaves plugins/],
    ['plugins/cors/plugin.ts', 'uWebSockets.js', /only listeners/],
    ['src/listeners/node/a.ts', 'uWebSockets.js', /only listeners/],
    ['src/listeners/node/a.ts', 'uWebSockets.js-next', /only listeners/],
  ]
  for (const [from, to, why] of forbidden) {
    it(`forbids ${from} -> ${to}`, () => {
      const found = violations(graph([from, to]))
      assert.equal(found.length, 1)
      assert.match(found[0]!, why)
    })
  }

  const allowed: readonly [string, string][] = [
    ['src/road/a.ts', 'src/base/b.ts'],
    ['src/road/a.ts', 'src/road/b.ts'],
    ['src/listeners/uws/a.ts', 'src/listeners/b.ts'],
    ['src/listeners/uws/a.ts', 'uWebSockets.js'],
    ['src/cli/a.ts', 'src/gateway.ts'],
    ['src/gateway.ts', 'src/process/a.ts'],
    ['src/router/a.ts', 're2js'],
    ['src/router/a.ts', 'node:fs'],
    ['plugins/cors/plugin.ts', 'plugins/cors/origin.ts'],
    ['plugins/cors/plugin.ts', 'src/contract/plugin.ts'],
    ['plugins/cors/plugin.ts', 'src/base/host.ts'],
    ['plugins/cors/plugin.ts', 'pino'],
    ['src/base/a.test.ts', 'src/gateway.ts'],
  ]
  it('lets the rest pass', () => {
    for (const pair of allowed) assert.deepEqual(violations(graph(pair)), [])
  })

  it('finds cycles, long and short', () => {
    assert.deepEqual(cycles(graph(['a.ts', 'a.ts'])), ['a.ts -> a.ts'])
    assert.deepEqual(cycles(graph(['a.ts', 'b.ts'], ['b.ts', 'c.ts'], ['c.ts', 'b.ts'])), ['b.ts -> c.ts -> b.ts'])
    assert.deepEqual(cycles(graph(['a.ts', 'b.ts'], ['a.ts', 'c.ts'], ['b.ts', 'd.ts'], ['c.ts', 'd.ts'])), [])
  })

  it('counts types in cycles, except within the contract', () => {
    const [a, b] = ['src/road/a.ts', 'src/road/b.ts']
    const [c, d] = ['src/contract/c.ts', 'src/contract/d.ts']
    const typeCycle = (one: string, other: string): Imports =>
      new Map([
        [one, [{ target: other, typeOnly: true }]],
        [other, [{ target: one, typeOnly: true }]],
      ])
    assert.equal(cycles(typeCycle(a, b)).length, 1)
    assert.equal(cycles(typeCycle(c, d)).length, 0)
    assert.equal(cycles(graph([c, d], [d, c])).length, 1)
  })

  it('finds imports of files that are not there', () => {
    const imports = graph(['a.test.ts', 'b.ts'], ['b.ts', 'node:fs'])
    assert.deepEqual(
      dangling(imports, () => false),
      ['a.test.ts -> b.ts'],
    )
    assert.deepEqual(
      dangling(imports, () => true),
      [],
    )
  })

  it('reads every form of an import, and no comment', () => {
    const source = `
      // import { a } from './comment.ts'
      /* import './comment.ts' */
      import type { B } from '../c/types.ts'
      import {
        d,
        type E,
      } from "./braces.ts"
      import * as all from './star.ts'
      import './bare.ts'
      export { f } from './again.ts'
      export * from './everything.ts'
      export type { G } from './again-types.ts'
      export const text = 'it came from', other = 'nowhere'
      const late = await import('./late.ts')
      import fs from 'node:fs'
    `
    const found = importsOf('src/a/b.ts', source)
    assert.deepEqual(
      found.filter(({ typeOnly }) => typeOnly).map(({ target }) => target),
      ['src/c/types.ts', 'src/a/again-types.ts'],
    )
    assert.deepEqual(
      found.filter(({ typeOnly }) => !typeOnly).map(({ target }) => target),
      ['braces', 'star', 'again', 'everything']
        .map((name) => `src/a/${name}.ts`)
        .concat('node:fs', 'src/a/bare.ts', 'src/a/late.ts'),
    )
  })
})

function graph(...pairs: (readonly [string, string])[]): Imports {
  const imports = new Map<string, { target: string; typeOnly: boolean }[]>()
  for (const [from, target] of pairs) imports.set(from, [...(imports.get(from) ?? []), { target, typeOnly: false }])
  return imports
}

async function importsIn(directories: readonly string[]): Promise<Imports> {
  const texts = await readSources(directories, '.ts')
  return new Map([...texts].map(([file, text]) => [file, importsOf(file, text)]))
}
