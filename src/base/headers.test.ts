import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as headers from './headers.ts'
import { isHopByHop, namesInConnection } from './hop-by-hop.ts'
import { normalizeHost, portOf } from './host.ts'

describe('flat headers', () => {
  it('finds the first, joins all, removes all', () => {
    const list = ['a', '1', 'b', '2', 'a', '3']
    assert.equal(headers.findHeader(list, 'a'), '1')
    assert.equal(headers.findHeader(list, 'x'), '')
    assert.equal(headers.joinHeader(list, 'a'), '1, 3')
    assert.equal(headers.hasHeader(list, 'b'), true)
    headers.removeHeader(list, 'a')
    assert.deepEqual(list, ['b', '2'])
  })

  it('sets in the place of the first and drops its duplicates', () => {
    const list = ['x', '0', 'a', '1', 'b', '2', 'a', '3']
    headers.setHeader(list, 'a', '9')
    assert.deepEqual(list, ['x', '0', 'a', '9', 'b', '2'])
    headers.setHeader(list, 'new', '1')
    assert.deepEqual(list.slice(-2), ['new', '1'])
  })

  it('refuses what would split a message', () => {
    for (const value of ['a\r\nb', 'a\nb', 'a\0', '\x7f', '\u0100']) {
      assert.throws(() => headers.checkHeader('x', value), TypeError, JSON.stringify(value))
    }
    for (const name of ['', 'a b', 'a:', 'ä', 'a\r']) assert.throws(() => headers.checkHeader(name, 'v'), TypeError)
    assert.doesNotThrow(() => headers.checkHeader('X-Name', 'tab\there \xe9'))
  })

  it('reads a content length and nothing that only looks like one', () => {
    assert.equal(headers.parseContentLength('0'), 0)
    assert.equal(headers.parseContentLength('1073741824'), 1073741824)
    for (const text of ['', '-1', '+1', '1 ', '0x10', '1e3', '1,1', '99999999999999999']) {
      assert.equal(headers.parseContentLength(text), -1, text)
    }
  })
})

describe('hop-by-hop', () => {
  it('knows the fields of a connection and those that it names', () => {
    for (const name of ['connection', 'te', 'trailer', 'upgrade', 'transfer-encoding', 'keep-alive']) {
      assert.equal(isHopByHop(name), true, name)
    }
    assert.equal(isHopByHop('content-type'), false)
    assert.deepEqual(namesInConnection('keep-alive'), [])
    assert.deepEqual(namesInConnection('Close, X-A ,x-b,'), ['x-a', 'x-b'])
  })
})

describe('host', () => {
  it('normalises for comparison', () => {
    assert.equal(normalizeHost('API.Example.com:8080'), 'api.example.com')
    assert.equal(normalizeHost('example.com.'), 'example.com')
    assert.equal(normalizeHost('[2001:DB8::1]:80'), '[2001:db8::1]')
    assert.equal(normalizeHost(''), '')
    assert.equal(portOf('[::1]:80'), '80')
    assert.equal(portOf('a'), '')
  })

  it('refuses what is no host', () => {
    for (const bad of [
      'a b',
      'a/b',
      'user@a',
      'a:80:90',
      'a:port',
      ':80',
      '[::1',
      'a:99999',
      'a,b c',
      'a\tb',
      'a?x',
      '[g::1]',
    ]) {
      assert.equal(normalizeHost(bad), null, bad)
    }
  })
})
