import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ADD, HeaderEdits, REMOVE, SET } from './header-edits.ts'
import * as headers from './headers.ts'
import { isHopByHop, namesInConnection } from './hop-by-hop.ts'
import { normalizeHost, portOf } from './host.ts'

function list(...flat: string[]): headers.HeaderList {
  const made = new headers.HeaderList()
  made.pushAll(flat)
  return made
}

describe('flat headers', () => {
  it('finds the first, joins all, removes all', () => {
    const fields = list('a', '1', 'b', '2', 'a', '3')
    assert.equal(fields.find('a'), '1')
    assert.equal(fields.find('x'), '')
    assert.equal(fields.join('a'), '1, 3')
    assert.deepEqual([fields.findAll('a'), fields.findAll('x')], [['1', '3'], []])
    assert.equal(fields.has('b'), true)
    fields.remove('a')
    assert.deepEqual(fields.toArray(), ['b', '2'])
  })

  it('sets in the place of the first and drops its duplicates', () => {
    const fields = list('x', '0', 'a', '1', 'b', '2', 'a', '3')
    fields.set('a', '9')
    assert.deepEqual(fields.toArray(), ['x', '0', 'a', '9', 'b', '2'])
    fields.set('new', '1')
    assert.deepEqual(fields.toArray().slice(-2), ['new', '1'])
  })

  it('keeps no string of an earlier request', () => {
    const fields = list('cookie', 'secret', 'a', '1')
    fields.clear()
    assert.equal(fields.has('cookie'), false)
    assert.ok(fields.flat.every((text) => text === ''))
  })

  it('applies edits in their order', () => {
    const edits = new HeaderEdits()
    edits.push(ADD, 'a', '2')
    edits.push(REMOVE, 'b', '')
    edits.push(SET, 'c', '3')
    edits.push(ADD, 'b', '4')
    const fields = list('a', '1', 'b', '1', 'c', '1')
    edits.applyTo(fields)
    assert.deepEqual(fields.toArray(), ['a', '1', 'c', '3', 'a', '2', 'b', '4'])
    edits.clear()
    assert.equal(edits.length, 0)
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
