import assert from 'node:assert/strict'
import { it } from 'node:test'
import { endpointId } from './sticky.ts'

it('names an endpoint the same every time, and each one differently', () => {
  assert.equal(endpointId('shop', 'http://10.0.0.1:8080'), endpointId('shop', 'http://10.0.0.1:8080'))
  const ids = new Set<string>()
  for (const upstream of ['shop', 'shop2']) {
    for (let port = 1; port < 3000; port++) ids.add(endpointId(upstream, `http://10.0.0.1:${port}`))
  }
  assert.equal(ids.size, 2 * 2999)
})

it('can stand in a cookie, and does not show the address', () => {
  assert.match(endpointId('a', 'http://secret.internal:1'), /^[A-Za-z0-9_-]{12}$/)
})

it('is not misled by where the name ends', () => {
  assert.notEqual(endpointId('a","b', 'c'), endpointId('a', 'b","c'))
})
