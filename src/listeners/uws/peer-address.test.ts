import assert from 'node:assert/strict'
import { it } from 'node:test'
import { peerAddress } from './peer-address.ts'

function bytes(hex: string): ArrayBuffer {
  return new Uint8Array(Buffer.from(hex.replaceAll(/[^0-9a-f]/g, ''), 'hex')).buffer
}

it('writes addresses as RFC 5952 does', () => {
  assert.equal(peerAddress(bytes('7f000001')), '127.0.0.1')
  assert.equal(peerAddress(bytes('0000 0000 0000 0000 0000 ffff 0a00 0102')), '10.0.1.2')
  assert.equal(peerAddress(bytes('0000 0000 0000 0000 0000 0000 0000 0001')), '::1')
  assert.equal(peerAddress(bytes('2001 0db8 0000 0000 0001 0000 0000 0001')), '2001:db8::1:0:0:1')
  assert.equal(peerAddress(bytes('2001 0db8 0000 0001 0001 0001 0001 0001')), '2001:db8:0:1:1:1:1:1')
  assert.equal(peerAddress(bytes('fe80 0000 0000 0000 0000 0000 0000 0000')), 'fe80::')
  assert.equal(peerAddress(new ArrayBuffer(0)), '127.0.0.1')
})
