import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { BodyRefused, ERRORS, type Host, type PluginExchange } from '../../src/contract/plugin.ts'
import mask from './plugin.ts'

const compile = (options: unknown) => mask.compile(options, {} as Host)

function exchange(parts: {
  request?: Record<string, string>
  response?: Record<string, string>
  status?: number
  length?: number
}) {
  const request = new Map(Object.entries(parts.request ?? {}))
  const response = new Map(Object.entries(parts.response ?? {}))
  const x = {
    status: parts.status ?? 200,
    requestBodyLength: parts.length ?? -1,
    header: (name: string) => request.get(name) ?? '',
    hasHeader: (name: string) => request.has(name),
    setRequestHeader: (name: string, value: string) => void request.set(name, value),
    removeRequestHeader: (name: string) => void request.delete(name),
    responseHeader: (name: string) => response.get(name) ?? '',
    setResponseHeader: (name: string, value: string) => void response.set(name, value),
    removeResponseHeader: (name: string) => void response.delete(name),
  }
  return { x: x as unknown as PluginExchange, request, response }
}

const refusedAs = (kind: unknown) => (error: unknown) => error instanceof BodyRefused && error.kind === kind

describe('mask', () => {
  it('refuses options that make no sense', () => {
    const bad = [
      {},
      { json: ['a..b'] },
      { json: [''] },
      { regex: ['('] },
      { regex: ['a*'] },
      { regex: ['(?=a)'] },
      { headers: ['a b'] },
      { headers: ['Content-Length'] },
      { headers: ['connection'] },
      { headers: ['x-a'], with: 'a\r\nb' },
      { json: ['a'], maxMatch: 0 },
      { json: ['a'], maxSize: 0 },
    ]
    for (const options of bad) assert.throws(() => compile(options), TypeError, JSON.stringify(options))
  })

  it('takes part only where it was asked to', () => {
    assert.equal(compile({ headers: ['x-a'] }).body, undefined)
    assert.equal(compile({ json: ['a'] }).body!.request, undefined)
    assert.equal(compile({ json: ['a'], in: ['request'] }).body!.response, undefined)
    assert.equal(compile({ json: ['a'] }).response, undefined)
  })

  it('looks at JSON and, with patterns, at text, however the type is written', () => {
    const json = compile({ json: ['a'] }).body!.response!
    const both = compile({ regex: ['a'] }).body!.response!
    const type = (text: string) => exchange({ response: { 'content-type': text } }).x
    for (const text of [
      'application/json',
      'Application/JSON; charset=utf-8',
      ' application/a+json',
      'text/json',
      'application/json,x/y',
      'application/json x',
    ]) {
      assert.notEqual(json(type(text)), null, text)
      assert.notEqual(both(type(text)), null, text)
    }
    for (const text of ['', 'text/html', 'application/jsonp', 'application/x-ndjson', 'image/png', 'json', '+json']) {
      assert.equal(json(type(text)), null, text)
    }
    assert.notEqual(both(type('text/html')), null)
    assert.equal(both(type('image/png')), null)
  })

  it('refuses what it cannot read before the body comes', () => {
    const body = compile({ json: ['a'], in: ['request', 'response'], maxSize: 10 }).body!
    const coded = { 'content-type': 'application/json', 'content-encoding': 'GZIP' }
    const plain = { 'content-type': 'application/json', 'content-encoding': 'identity' }
    assert.throws(() => body.request!(exchange({ request: coded }).x), refusedAs(ERRORS.badBody))
    assert.throws(() => body.response!(exchange({ response: coded }).x), refusedAs(ERRORS.unusableReply))
    assert.throws(() => body.response!(exchange({ status: 206 }).x), refusedAs(ERRORS.unusableReply))
    assert.throws(() => body.request!(exchange({ request: plain, length: 11 }).x), refusedAs(ERRORS.bodyTooLarge))
    assert.notEqual(body.request!(exchange({ request: plain, length: 10 }).x), null)
    assert.notEqual(body.response!(exchange({ response: plain }).x), null)
  })

  it('masks headers that are there, and asks for replies that can be read', async () => {
    const phases = compile({ headers: ['X-Key', 'x-none'], json: ['a'], in: ['request', 'response'], with: '?' })
    const headers = { 'x-key': 's', 'x-other': 'o', 'accept-encoding': 'gzip', range: 'bytes=1-', 'if-range': '"1"' }
    const { x, request, response } = exchange({ request: headers, response: { 'x-key': 's' } })
    await phases.request!(x)
    await phases.response!(x)
    assert.deepEqual(Object.fromEntries(request), { 'x-key': '?', 'x-other': 'o' })
    assert.deepEqual(Object.fromEntries(response), { 'x-key': '?' })
  })

  it('puts the replacement into JSON so that it stays JSON', () => {
    const body = compile({ json: ['a'], regex: ['sk_[a-z]+'], with: '"\n\\' }).body!
    const transform = body.response!(exchange({ response: { 'content-type': 'application/json' } }).x)!
    const out = [transform.chunk(Buffer.from('{"a":1,"b":"sk_abc"}')), transform.end()].filter((each) => each !== null)
    assert.deepEqual(JSON.parse(Buffer.concat(out).toString()), { a: '"\n\\', b: '"\n\\' })
  })
})
