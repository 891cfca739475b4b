import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compileKey, network } from './request-key.ts'

describe('network', () => {
  const cases: readonly [ip: string, network: string][] = [
    ['203.0.113.7', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:0DB8:0001:0002::9', '2001:db8:1:2::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['1::', '1:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:192.0.2.1', '192.0.2.1'],
    ['64:ff9b::192.0.2.33', '64:ff9b:0:0::/64'],
    ['1:2:3:4:5:6:192.0.2.33', '1:2:3:4::/64'],
    ['no address', 'no address'],
    ['', ''],
  ]
  for (const [ip, expected] of cases) {
    it(`of ${JSON.stringify(ip)} is ${expected}`, () => assert.equal(network(ip), expected))
  }
})

describe('compileKey', () => {
  it('hides values that could be secrets, and no others', () => {
    const key = compileKey(['client-ip', 'header:x-api-key', 'claim:sub'])
    const text = key.shown('203.0.113.7\nsecret\n')
    assert.match(text, /^203\.0\.113\.7 [0-9a-f]{12} none$/)
  })

  for (const part of ['', 'ip', 'header:', 'header:a b', 'claim:', 'Header:a', 'client-ip ']) {
    it(`refuses ${JSON.stringify(part)}`, () => assert.throws(() => compileKey([part]), TypeError))
  }
})
