import assert from 'node:assert/strict'
import { it } from 'node:test'
import { Inheritance } from './inheritance.ts'

it('a generation takes over the addresses of the one before, and only those', () => {
  const addresses = new Map([
    ['listener a', '127.0.0.1:4000'],
    ['listener b', '[::1]:4001'],
    ['admin', 'unix:/run/admin'],
  ])
  const inheritance = new Inheritance(addresses, true)
  assert.deepEqual(inheritance.placeOf('listener a', '127.0.0.1:0'), { bind: '127.0.0.1:4000', shared: true })
  assert.deepEqual(inheritance.placeOf('listener b', '[::1]:0'), { bind: '[::1]:4001', shared: true })
  assert.deepEqual(inheritance.placeOf('listener renamed', '127.0.0.1:4000'), { bind: '127.0.0.1:4000', shared: true })
  assert.deepEqual(inheritance.placeOf('admin', 'unix:/run/admin'), { bind: 'unix:/run/admin', shared: true })
  // Another host, another port, another listener: nothing to take over.
  assert.deepEqual(inheritance.placeOf('listener a', '0.0.0.0:0'), { bind: '0.0.0.0:0', shared: false })
  assert.deepEqual(inheritance.placeOf('listener a', '127.0.0.1:4002'), { bind: '127.0.0.1:4002', shared: false })
  assert.deepEqual(inheritance.placeOf('listener new', '127.0.0.1:0'), { bind: '127.0.0.1:0', shared: false })
  inheritance.complete()
  assert.deepEqual(inheritance.placeOf('listener a', '127.0.0.1:0'), { bind: '127.0.0.1:4000', shared: false })
})
