import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { BodyRefused, ERRORS, type PluginExchange } from '../../src/contract/plugin.ts'
import { HeaderChanges } from './header-changes.ts'
import { JsonBody } from './json-body.ts'
import { JsonChanges, type JsonOptions } from './json-changes.ts'
import { QueryChanges, type QueryOptions } from './query-changes.ts'
import { compileTemplate } from './template.ts'

function exchange(parts: { search?: string; headers?: Record<string, string>; claims?: Record<string, unknown> } = {}) {
  const headers = new Map(Object.entries(parts.headers ?? {}))
  const x = {
    search: parts.search ?? '',
    method: 'GET',
    path: '/p',
    consumer: 'ann',
    requestId: 'r1',
    clientIp: '192.0.2.1',
    claims: parts.claims ?? null,
    header: (name: string) => headers.get(name) ?? '',
    setRequestHeader: (name: string, value: string) => void headers.set(name, value),
    removeRequestHeader: (name: string) => void headers.delete(name),
    param: (name: string) => (name === 'id' ? '7' : ''),
    queryParameter: (name: string) => (name === 'q' ? 'a b' : null),
    setSearch(search: string) {
      if (search !== '' && !/^\?[\x21\x22\x24-\x7e]*$/.test(search)) throw new TypeError(search)
      x.search = search
    },
  }
  return { x: x as unknown as PluginExchange, headers }
}

describe('templates', () => {
  it('are filled from the request; what is not there is empty', () => {
    const { x } = exchange({ headers: { 'x-a': 'h' }, claims: { org: { id: 5 }, ok: true, list: [1] } })
    const text =
      '{header.X-A}|{header.no}|{claim.org.id}|{claim.ok}|{claim.list}|{claim.a.b}|{consumer}|{requestId}|{clientIp}|{method}|{path}|{param.id}|{query.q}|{query.no}'
    assert.equal(compileTemplate(text).render(x), 'h||5|true|||ann|r1|192.0.2.1|GET|/p|7|a b|')
    assert.equal(compileTemplate('{{a}} {{{method}}}').render(x), '{a} {GET}')
    assert.equal(compileTemplate('{claim.org}{claim.__proto__.x}{claim.constructor.name}').render(x), '')
  })

  it('refuse what is not known', () => {
    for (const bad of ['{', '}', '{}', '{a}', '{header.}', '{header.a b}', '{toString}', '{claim}', '{a.b}']) {
      assert.throws(() => compileTemplate(bad), TypeError, bad)
    }
  })
})

describe('headers', () => {
  it('are renamed, then set; an empty value removes', () => {
    const { x, headers } = exchange({ headers: { old: '1', 'x-none': 'forged', kept: '2', absent: '' } })
    const set = { 'X-User': 'u-{consumer}', 'x-none': '{claim.sub}' }
    assert.equal(new HeaderChanges({ rename: { OLD: 'new', gone: 'kept' }, set }, 'request').apply(x), '')
    assert.deepEqual(Object.fromEntries(headers), { kept: '2', absent: '', new: '1', 'x-user': 'u-ann' })
  })

  it('tell of a value that no header may carry, before anything has changed', () => {
    for (const bad of ['a\r\nb: c', 'a\0', 'ж', '\n', `${'x'.repeat(50)}\r`]) {
      const { x, headers } = exchange({ headers: { old: '1' }, claims: { bad } })
      const changes = new HeaderChanges({ rename: { old: 'new' }, set: { 'x-a': '{claim.bad}' } }, 'request')
      assert.equal(changes.apply(x), 'x-a')
      assert.deepEqual(Object.fromEntries(headers), { old: '1' })
    }
  })

  it('refuse names that are the affair of the gateway', () => {
    for (const name of ['host', 'connection', 'Content-Length', 'transfer-encoding', 'a b', '']) {
      assert.throws(() => new HeaderChanges({ set: { [name]: 'x' } }, 'request'), TypeError, name)
      assert.throws(() => new HeaderChanges({ rename: { x: name } }, 'request'), TypeError, name)
    }
    assert.throws(() => new HeaderChanges({ set: { a: 'b\r\n{path}' } }, 'request'), TypeError)
    assert.throws(() => new HeaderChanges({ rename: { 'set-cookie': 'x' } }, 'response'), TypeError)
  })
})

describe('queries', () => {
  const changed = (search: string, options: QueryOptions): string => {
    const { x } = exchange({ search })
    new QueryChanges(options).apply(x)
    return x.search
  }

  it('remove, rename, set, add, and leave the rest as it was written', () => {
    assert.equal(changed('?a=1&b=%41&c&d=4', { remove: ['a'], rename: { c: 'e f' } }), '?b=%41&e%20f&d=4')
    assert.equal(changed('?a=1&%61=2&b', { set: { a: '{query.q}&' } }), '?b&a=a%20b%26')
    assert.equal(changed('?a=1', { add: { a: '2' } }), '?a=1&a=2')
    assert.equal(changed('?old=1&new=2', { rename: { old: 'new' }, set: { new: '3' } }), '?new=3')
    assert.equal(changed('', { set: { a: '1' } }), '?a=1')
    assert.equal(changed('?', { remove: ['a'] }), '')
    assert.equal(changed('?a', { remove: ['a'] }), '')
    assert.equal(changed('?__proto__=1&b', { rename: { b: 'constructor' } }), '?__proto__=1&constructor')
  })

  it('never hold what no query may hold', () => {
    assert.equal(changed('?%zz=%&\xe9=1', { set: { '\ud800': 'é#\n' } }), '?%zz=%&%E9=1&%EF%BF%BD=%C3%A9%23%0A')
  })
})

function change(options: JsonOptions, text: string | Uint8Array, limit = 1024 * 1024): string {
  const body = new JsonBody(exchange().x, new JsonChanges(options), limit, ERRORS.badBody, ERRORS.bodyTooLarge)
  for (const byte of Buffer.from(text as string)) assert.equal(body.chunk(Uint8Array.of(byte)), null)
  const out = body.end()
  return out === null ? '' : Buffer.from(out).toString()
}

describe('JSON bodies', () => {
  it('unwrap, remove, rename, set, wrap', () => {
    assert.equal(change({ unwrap: 'a.1' }, '{"a":[0,{"b":1}]}'), '{"b":1}')
    assert.equal(change({ unwrap: 'no' }, '{"a":1}'), 'null')
    assert.equal(change({ wrap: 'data' }, ' [1] '), '{"data":[1]}')
    assert.equal(
      change({ remove: ['a', 'b.*.c', 'd.0'] }, '{"a":1,"b":[{"c":1,"x":2},{"c":2}],"d":[1,2]}'),
      '{"b":[{"x":2},{}],"d":[2]}',
    )
    assert.equal(change({ remove: ['*'] }, '[1,2,3]'), '[]')
    assert.equal(change({ rename: { a: 'b', 'l.*.x': 'y' } }, '{"a":1,"l":[{"x":1}]}'), '{"l":[{"y":1}],"b":1}')
    assert.equal(
      change({ set: { 'a.b': '{consumer}', n: 1, o: { x: [] } } }, '{"a":5}'),
      '{"a":{"b":"ann"},"n":1,"o":{"x":[]}}',
    )
    assert.equal(change({ set: { 'l.1': 'x', 'l.9': 'y', 'l.length': 0 } }, '{"l":[1]}'), '{"l":[1,"x"]}')
    assert.equal(change({ remove: ['l.length', 'l.x'], rename: { 'l.0': 'a' } }, '{"l":[1]}'), '{"l":[1]}')
    assert.equal(change({ set: { a: 1 } }, '"text"'), '{"a":1}')
    assert.equal(change({ set: { a: 1 } }, ''), '')
  })

  it('do not share the options between requests', () => {
    const changes = new JsonChanges({ set: { a: { x: 1 }, 'a.y': '{consumer}' } })
    const { x } = exchange()
    const first = changes.apply({}, x) as { a: Record<string, unknown> }
    first.a['z'] = 1
    assert.deepEqual(changes.apply({}, x), { a: { x: 1, y: 'ann' } })
  })

  it('treat __proto__ and constructor as names like any other', () => {
    const hostile = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'
    assert.equal(change({ wrap: '__proto__' }, hostile), `{"__proto__":${hostile}}`)
    assert.equal(change({ rename: { a: '__proto__' } }, '{"a":{"polluted":1}}'), '{"__proto__":{"polluted":1}}')
    const path = JSON.parse('{"__proto__.polluted":1,"constructor.prototype.polluted":1}') as Record<string, unknown>
    assert.equal(change({ set: path }, '{}'), '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}')
    assert.equal(change({ remove: ['__proto__', 'constructor.prototype'] }, hostile), '{"constructor":{}}')
    assert.equal(change({ unwrap: '__proto__' }, '{}'), 'null')
    assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
  })

  it('keep numbers as they were written', () => {
    const text = '{"a":12345678901234567890,"b":1.0,"c":1e400,"d":-0,"e":[0.1,1E2]}'
    assert.equal(change({ set: {} }, text), text)
    assert.equal(change({ set: { 'a.x': 1 } }, text).slice(0, 12), '{"a":{"x":1}')
  })

  it('refuse what is not JSON, not UTF-8, too deep or too large', () => {
    const deep = '['.repeat(300) + ']'.repeat(300)
    for (const bad of ['{', 'x', '{"a":1}}', '\ufeff{}', deep, '['.repeat(100_000), Buffer.from([34, 0xff, 34])]) {
      assert.throws(
        () => change({}, bad),
        (error) => error instanceof BodyRefused && error.kind === ERRORS.badBody,
      )
    }
    assert.equal(change({}, `"${'[\\"'.repeat(1000)}"`).length, 3002)
    assert.equal(change({}, '[1]', 3), '[1]')
    assert.throws(
      () => change({}, '[12]', 3),
      (error) => error instanceof BodyRefused && error.kind === ERRORS.bodyTooLarge,
    )
  })

  it('refuse paths that cannot be meant', () => {
    for (const set of [{ '': 1 }, { 'a.': 1 }, { 'a.*': 1 }, { a: '{no}' }])
      assert.throws(() => new JsonChanges({ set }), TypeError)
    assert.throws(() => new JsonChanges({ unwrap: '*' }), TypeError)
  })

  it('property: without changes the value stays', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) =>
        assert.deepEqual(JSON.parse(change({}, JSON.stringify(value))), JSON.parse(JSON.stringify(value))),
      ),
    )
  })
})
