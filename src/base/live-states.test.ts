import assert from 'node:assert/strict'
import { it } from 'node:test'
import { LiveStates } from './live-states.ts'

it('shares one value per key and disposes of it with its last user', () => {
  const disposed: string[] = []
  const states = new LiveStates<{ name: string }>(({ name }) => disposed.push(name))
  const first = states.acquire('a', () => ({ name: 'a' }))
  assert.equal(
    states.acquire('a', () => assert.fail('made twice')),
    first,
  )
  states.acquire('b', () => ({ name: 'b' }))
  states.release('a')
  assert.deepEqual(disposed, [])
  states.release('a')
  assert.deepEqual(disposed, ['a'])
  assert.equal(states.size, 1)
  assert.notEqual(
    states.acquire('a', () => ({ name: 'new a' })),
    first,
  )
})

it('refuses a release too many and holds nothing when making fails', () => {
  const states = new LiveStates<number>(() => {})
  assert.throws(() => states.release('x'), /released more often/)
  assert.throws(
    () =>
      states.acquire('x', () => {
        throw new Error('cannot')
      }),
    /cannot/,
  )
  assert.equal(states.size, 0)
})
