import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { BodyRefused, ERRORS } from '../../src/contract/plugin.ts'
import { JsonMask } from './json-mask.ts'
import { LimitedMask } from './limited.ts'
import { compilePaths, parsePath } from './masked-paths.ts'

const SECRET = 'S3CRET-7f1'

function mask(pieces: readonly Uint8Array[], paths: readonly string[], maxDepth = 64): Buffer {
  const transform = new JsonMask({
    paths: compilePaths(paths),
    replacement: Buffer.from('"***"'),
    maxDepth,
    malformed: ERRORS.badBody,
  })
  const out: Buffer[] = []
  // One buffer for all, as engines have it: what is kept of a chunk beyond its call shows.
  for (const piece of pieces) {
    const lent = Buffer.from(piece)
    const given = transform.chunk(lent)
    if (given !== null) out.push(Buffer.from(given))
    lent.fill(0)
  }
  transform.end()
  return Buffer.concat(out)
}

function split(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length]
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end))
}

const single = (bytes: Uint8Array): Uint8Array[] => Array.from(bytes, (byte) => Uint8Array.of(byte))

function check(text: string, paths: readonly string[], expected: string): void {
  const bytes = Buffer.from(text)
  assert.equal(mask([bytes], paths).toString(), expected)
  assert.equal(mask(single(bytes), paths).toString(), expected, 'byte by byte')
}

describe('masked JSON', () => {
  it('replaces strings, numbers, literals, objects and arrays, and copies the rest as it is', () => {
    for (const value of ['"a\\"b"', '-1.5e+10', '0', 'true', 'null', '{"x":[1,{"y":"}"}]}', '[[],{},"]"]', '""']) {
      check(`{ "a" : ${value} ,\n"b":1.0,"c" : "\\u00e9é" }`, ['a'], '{ "a" : "***" ,\n"b":1.0,"c" : "\\u00e9é" }')
      check(`[${value},${value}]`, ['1'], `[${value},"***"]`)
      check(` ${value} `, ['**'], ' "***" ')
    }
  })

  it('finds paths: by name, by index, by * and by **', () => {
    check('{"card":{"number":1,"name":2},"number":3}', ['card.number'], '{"card":{"number":"***","name":2},"number":3}')
    check('{"users":[{"token":1},{"token":2}]}', ['users.*.token'], '{"users":[{"token":"***"},{"token":"***"}]}')
    check('{"users":{"a":{"token":1},"token":2}}', ['users.*.token'], '{"users":{"a":{"token":"***"},"token":2}}')
    check(
      '{"s":1,"a":[{"s":{"s":2}}],"b":{"c":{"s":3}}}',
      ['**.s'],
      '{"s":"***","a":[{"s":"***"}],"b":{"c":{"s":"***"}}}',
    )
    check('{"a":{"x":{"b":1}},"b":2}', ['a.**.b'], '{"a":{"x":{"b":"***"}},"b":2}')
    check('{"a":{"b":1}}', ['a.**.b', '**.c'], '{"a":{"b":"***"}}')
    check('{"a.b":1,"a":{"b":2},"*":3}', ['a\\.b', '\\*'], '{"a.b":"***","a":{"b":2},"*":"***"}')
    check('{"a":1,"a":2}', ['a'], '{"a":"***","a":"***"}')
    check('[[1,2],[3,4]]', ['*.0'], '[["***",2],["***",4]]')
  })

  it('compares keys after unescaping, however they are written', () => {
    check('{"\\u0070assword":1,"passwor\\u0064":2}', ['password'], '{"\\u0070assword":"***","passwor\\u0064":"***"}')
    check('{"\\uD83D\\uDE00":1,"😀":2,"\\ud83d":3}', ['😀'], '{"\\uD83D\\uDE00":"***","😀":"***","\\ud83d":3}')
    check(
      '{"a\\/b":1,"\\u00E9":2,"é":3,"\\n":4}',
      ['a/b', 'é', '\n'],
      '{"a\\/b":"***","\\u00E9":"***","é":"***","\\n":"***"}',
    )
    check('{"password2":1,"passwor":2,"":3}', ['password'], '{"password2":1,"passwor":2,"":3}')
    check(
      '{"__proto__":1,"constructor":2,"toString":3}',
      ['__proto__', 'toString'],
      '{"__proto__":"***","constructor":2,"toString":"***"}',
    )
  })

  it('takes an empty body for what it is', () => assert.equal(mask([], ['a']).length, 0))

  it('refuses what is not JSON, at every split', () => {
    const bad = [
      '{', '[', '"', '{"a"}', '{"a":}', '{"a":1,}', '[1,]', '[,1]', '{,}', '1 2', '{} {}', ']', '{]', '[}', 'tru', 'truE', 'nul', 'nan',
      '01', '-', '1.', '.5', '1e', '1e+', '+1', '--1', '1.2.3', '1-2', '0x1', "{'a':1}", '{a:1}', '"\\x"', '"\\u12g4"', '"\\', '"\n"', '"\u0000"',
      '\ufeff{}', '{"a":1}x', ' ', '[1 2]', '{"a" 1}', '{"a":1 "b":2}', '/**/1',
    ] // prettier-ignore
    for (const text of bad) {
      const bytes = Buffer.from(text)
      assert.throws(() => mask([bytes], ['a']), BodyRefused, JSON.stringify(text))
      assert.throws(() => mask(single(bytes), ['a']), BodyRefused, JSON.stringify(text))
      assert.throws(() => JSON.parse(text), 'so does JSON.parse')
    }
  })

  it('refuses UTF-8 that another reader might take for something else', () => {
    // Overlong forms, halves of pairs, beyond U+10FFFF, a cut sequence, bytes that stand nowhere.
    for (const hex of ['c1b0', 'e08080', 'f0808080', 'eda080', 'f4908080', 'f5808080', 'c3', '80', 'ff', 'e28222']) {
      const bytes = Buffer.concat([Buffer.from('{"'), Buffer.from(hex, 'hex'), Buffer.from('":1}')])
      assert.throws(() => mask([bytes], ['a']), BodyRefused, hex)
      assert.throws(() => mask(single(bytes), ['a']), BodyRefused, hex)
    }
  })

  it('refuses what is nested too deeply, also inside of what is masked', () => {
    const nested = (depth: number): Buffer => Buffer.from('{"a":' + '['.repeat(depth - 1) + ']'.repeat(depth - 1) + '}')
    assert.equal(mask([nested(8)], ['a'], 8).toString(), '{"a":"***"}')
    assert.throws(() => mask([nested(9)], ['a'], 8), /nested too deeply/)
    assert.throws(() => mask([Buffer.from('['.repeat(1_000_000))], ['a']), /nested too deeply/)
  })

  it('masks to its end what has begun before the limit, and nothing that begins behind it', () => {
    const json = new JsonMask({
      paths: compilePaths(['**.secret']),
      replacement: Buffer.from('"***"'),
      maxDepth: 64,
      malformed: ERRORS.badBody,
    })
    const text = `{"secret":["${SECRET}","${SECRET}"],"a":{"secret":1}}`
    const mask = new LimitedMask([json], 20, null)
    const out = single(Buffer.from(text)).map((byte) => Buffer.from(mask.chunk(byte) ?? []))
    assert.equal(Buffer.concat(out).toString(), '{"secret":"***","a":{"secret":1}}')
  })

  it('keeps nothing of a key of any length', () => {
    const key = 'k'.repeat(1_000_000)
    check(`{"${key}":1,"k":2}`, ['k'], `{"${key}":1,"k":"***"}`)
  })

  it('refuses paths that cannot be meant', () => {
    for (const path of ['', '.', 'a.', '.a', 'a..b', 'a\\']) assert.throws(() => parsePath(path), TypeError, path)
    const many = Array.from({ length: 16 }, (_, i) => `**.a${i}.*.*.*.*.*.*.*.*.*.*.*.*.*.b`)
    assert.throws(() => compilePaths(many), /too many paths/)
  })

  const Key = fc.constantFrom('a', 'b', 'secret', 'é', '😀', '0', '1', '__proto__', 'a.b', '')
  const { json } = fc.letrec((tie) => ({
    json: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      fc.constantFrom(null, true, 0, -1.5, 1e30, SECRET, 'x', 'q"\\\n\u2028é😀'),
      fc.array(tie('json'), { maxLength: 3 }),
      fc
        .array(fc.tuple(Key, tie('json')), { maxLength: 3 })
        .map((pairs) => Object.fromEntries(pairs) as Record<string, unknown>),
    ),
  }))
  const Segment = fc.constantFrom('a', 'b', 'secret', 'é', '😀', '0', '1', '__proto__', 'a\\.b', '*', '**')
  const Paths = fc.array(
    fc.array(Segment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join('.')),
    { minLength: 1, maxLength: 4 },
  )
  const Cuts = fc.array(fc.nat(), { maxLength: 8 })
  const Space = fc.constantFrom(0, 1, '\t')

  it('property: exactly the values at the paths are replaced, wherever the body is split', () => {
    fc.assert(
      fc.property(json, Paths, Cuts, Space, (value, paths, cuts, space) => {
        const bytes = Buffer.from(JSON.stringify(value, null, space))
        const out = mask(split(bytes, cuts), paths)
        const parsed = paths.map(parsePath)
        assert.deepEqual(JSON.parse(out.toString()), expectedOf(value, [], parsed))
        assert.deepEqual(mask(single(bytes), paths), out)
      }),
      { numRuns: 1000 },
    )
  })

  it('property: the bytes of a masked secret are nowhere in the output', () => {
    fc.assert(
      fc.property(json, Cuts, (value, cuts) => {
        const holder = JSON.stringify({ secret: SECRET, list: [{ secret: { deep: SECRET } }] })
        const text = `{"x":${JSON.stringify(value).replaceAll(SECRET, 'plain')},"y":${holder}}`
        assert.ok(!mask(split(Buffer.from(text), cuts), ['**.secret']).includes(SECRET))
      }),
    )
  })

  it('property: refuses exactly what JSON.parse refuses', () => {
    const token = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ':',
      ',',
      '"a"',
      '1',
      '-',
      '.',
      'e',
      '0',
      'true',
      'null',
      ' ',
      '"',
      '\\',
      'u',
    )
    fc.assert(
      fc.property(fc.array(token, { minLength: 1, maxLength: 8 }), (tokens) => {
        const bytes = Buffer.from(tokens.join(''))
        let valid = true
        try {
          JSON.parse(bytes.toString())
        } catch {
          valid = false
        }
        if (valid) mask([bytes], ['zz'])
        else assert.throws(() => mask(single(bytes), ['zz']), BodyRefused)
      }),
      { numRuns: 3000 },
    )
  })
})

type Parsed = ReturnType<typeof parsePath>

/** What masking means, written the slow way. */
function expectedOf(value: unknown, at: readonly string[], paths: readonly Parsed[]): unknown {
  if (paths.some((path) => leadsTo(path, at))) return '***'
  if (Array.isArray(value)) return value.map((each, i) => expectedOf(each, [...at, String(i)], paths))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, expectedOf(each, [...at, key], paths)]))
}

function leadsTo([first, ...rest]: Parsed, at: readonly string[]): boolean {
  if (first === undefined) return at.length === 0
  if (typeof first !== 'string' && first.wildcard === '**') {
    return leadsTo(rest, at) || (at.length > 0 && leadsTo([first, ...rest], at.slice(1)))
  }
  if (at.length === 0) return false
  return (typeof first !== 'string' || first === at[0]) && leadsTo(rest, at.slice(1))
}
