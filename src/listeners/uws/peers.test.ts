import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { HttpResponse } from 'uWebSockets.js'
import { Peers } from './peers.ts'

function from(last: number): HttpResponse {
  return { getRemoteAddress: () => Uint8Array.of(10, 0, 0, last).buffer } as unknown as HttpResponse
}

/** A connection of which the kernel must not be asked. */
const SILENT = {
  getRemoteAddress: () => assert.fail('asked for an address that is known'),
} as unknown as HttpResponse

describe('peers', () => {
  it('knows the address as long as all connections come from one', () => {
    const peers = new Peers()
    peers.count(from(1), 1)
    peers.count(from(1), 1)
    peers.count(SILENT, -1)
    assert.equal(peers.addressOf(SILENT), '10.0.0.1')
  })

  it('asks when they come from several, until none is open', () => {
    const peers = new Peers()
    peers.count(from(1), 1)
    peers.count(from(2), 1)
    assert.equal(peers.addressOf(from(2)), '10.0.0.2')
    assert.equal(peers.addressOf(from(1)), '10.0.0.1')
    peers.count(SILENT, -1) // which of the two is not told
    assert.equal(peers.addressOf(from(1)), '10.0.0.1')
    peers.count(from(1), 1)
    assert.equal(peers.addressOf(from(2)), '10.0.0.2')
    peers.count(SILENT, -1)
    peers.count(SILENT, -1)
    peers.count(from(3), 1)
    assert.equal(peers.addressOf(SILENT), '10.0.0.3')
  })
})
