// `npm ci` must work from a clean clone, also against a registry that lacks the binaries of other platforms.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { missingEntries, withEntries, type LockFile } from '../../scripts/lock-file.ts'

const LOCK = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8')) as LockFile

describe('package-lock.json', () => {
  it('has an entry for every optional dependency (if not: node scripts/complete-lock.ts)', () => {
    assert.deepEqual([...missingEntries(LOCK).keys()], [])
  })

  it('names no registry', () => {
    for (const [path, { resolved }] of Object.entries(LOCK.packages)) assert.equal(resolved, undefined, path)
  })

  it('says which package is meant by a digest, except for platforms that nobody here has seen', () => {
    for (const [path, { integrity, optional }] of Object.entries(LOCK.packages)) {
      if (path !== '' && optional !== true) assert.match(String(integrity), /^sha512-/, path)
    }
  })
})

describe('completing a lock file', () => {
  const owner = (version: string): object => ({ optionalDependencies: { '@x/darwin-arm64-22': version } })
  const lock = (packages: Record<string, object>): LockFile => ({ packages }) as LockFile

  it('puts a missing entry at the top, with the platform that its name tells', () => {
    assert.deepEqual(
      [...missingEntries(lock({ 'node_modules/a': owner('1.0.0') }))],
      [
        [
          'node_modules/@x/darwin-arm64-22',
          { version: '1.0.0', cpu: ['arm64'], optional: true, os: ['darwin'], engines: { node: '>=22.0.0 <23.0.0' } },
        ],
      ],
    )
  })

  it('puts a second version below its owner', () => {
    const both = lock({ 'node_modules/a': owner('1.0.0'), 'node_modules/b': owner('2.0.0') })
    const paths = ['node_modules/@x/darwin-arm64-22', 'node_modules/b/node_modules/@x/darwin-arm64-22']
    assert.deepEqual([...missingEntries(both).keys()], paths)
    const whole = withEntries(both, missingEntries(both))
    assert.deepEqual([...missingEntries(whole)], [])
    assert.deepEqual(Object.keys(whole.packages), [paths[0], 'node_modules/a', 'node_modules/b', paths[1]])
  })

  it('finds the C library and the role of the owner', () => {
    const wants = (name: string, dev: boolean): LockFile =>
      lock({ 'node_modules/a': { dev, optionalDependencies: { [name]: '1.0.0' } } })
    const [musl] = missingEntries(wants('@x/binding-linux-x64-musl', true)).values()
    assert.deepEqual(musl, { version: '1.0.0', cpu: ['x64'], dev: true, libc: ['musl'], optional: true, os: ['linux'] })
    const [hard] = missingEntries(wants('@x/binding-linux-arm-gnueabihf', false)).values()
    assert.deepEqual(hard, { version: '1.0.0', cpu: ['arm'], libc: ['glibc'], optional: true, os: ['linux'] })
  })

  it('does not guess a platform', () => {
    const unclear = lock({ 'node_modules/a': { optionalDependencies: { 'fast-thing': '1.0.0' } } })
    assert.throws(() => missingEntries(unclear), /fast-thing: its name does not tell its platform/)
  })
})
