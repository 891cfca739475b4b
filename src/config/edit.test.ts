import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { isEqual } from './difference.ts'
import { isRecord, type Path } from './document.ts'
import { editText, EditRefusal, rewriteText, writtenValue, type Edit } from './edit.ts'

const TEXT = `# the gateway
version: 1
listeners:
  - name: main # public
    bind: "\${BIND:-:80}"
admin: { bind: '127.0.0.1:1', token: "\${TOKEN}" }

upstreams:
  # the users
  users: { endpoints: [{ url: 'http://a:1' }] }
routes:
  # first
  - name: users
    match: { path: /users, method: [GET, POST] } # both
    upstream: users # the one

  # second
  - name: note
    match:
      path: /note
    respond:
      body: |
        hello

        world
  # third
  - { name: third, match: { path: /third }, respond: {} }
# the end
`

function change(path: Path, value: unknown): [string, string] {
  const after = editText(TEXT, [{ path, value }])
  const [was, is] = [TEXT.split('\n'), after.split('\n')]
  let head = 0
  while (head < was.length && was[head] === is[head]) head++
  let tail = 0
  while (tail < Math.min(was.length, is.length) - head && was.at(-1 - tail) === is.at(-1 - tail)) tail++
  return [was.slice(head, was.length - tail).join('\n'), is.slice(head, is.length - tail).join('\n')]
}

describe('an edit', () => {
  it('changes one place', () => {
    assert.deepEqual(change(['routes', 0, 'upstream'], 'canary'), [
      '    upstream: users # the one',
      '    upstream: canary # the one',
    ])
    assert.deepEqual(change(['admin', 'bind'], "it's"), [
      TEXT.split('\n')[5],
      `admin: { bind: 'it''s', token: "\${TOKEN}" }`,
    ])
    assert.deepEqual(change(['listeners', 0, 'bind'], ':81'), [`    bind: "\${BIND:-:80}"`, '    bind: ":81"'])
    assert.deepEqual(change(['routes', 0, 'match', 'method'], ['GET']), [
      '    match: { path: /users, method: [GET, POST] } # both',
      '    match: { path: /users, method: [GET] } # both',
    ])
    assert.deepEqual(change(['routes', 0, 'match', 'host'], 'a, b'), [
      '    match: { path: /users, method: [GET, POST] } # both',
      '    match: { path: /users, method: [GET, POST], host: "a, b" } # both',
    ])
    assert.deepEqual(change(['routes', 1, 'respond', 'body'], 'short'), [
      '      body: |\n        hello\n\n        world',
      '      body: short',
    ])
  })

  it('adds and removes', () => {
    assert.deepEqual(change(['routes', 0, 'split'], [{ upstream: 'a', weight: 1 }]), [
      '',
      '    split:\n      - upstream: a\n        weight: 1',
    ])
    assert.deepEqual(change(['routes', 0, 'upstream'], undefined), ['    upstream: users # the one', ''])
    assert.deepEqual(change(['upstreams', 'more'], { endpoints: [] }), ['', '  more:\n    endpoints: []'])
    assert.deepEqual(change(['routes', 2, 'respond'], { status: 204 }), [
      '  - { name: third, match: { path: /third }, respond: {} }',
      '  - { name: third, match: { path: /third }, respond: { status: 204 } }',
    ])
    assert.deepEqual(change(['routes', 1], undefined), [
      TEXT.slice(TEXT.indexOf('\n  # second'), TEXT.indexOf('  # third')).replace(/\n$/, ''),
      '',
    ])
    assert.deepEqual(change(['routes', 3], { name: 'new', respond: {} }), ['', '  - name: new\n    respond: {}'])
    assert.deepEqual(change(['drainTimeout'], '1s'), ['', 'drainTimeout: 1s'])
  })

  it('moves what stands above an entry with it', () => {
    const value = writtenValue(TEXT) as { routes: unknown[] }
    const text = rewriteText(TEXT, { ...value, routes: value.routes.toReversed() })
    assert.match(text, /# second\n {2}- name: note/)
    for (const comment of ['first', 'second', 'third', 'the end', 'both', 'the one'])
      assert.ok(text.includes(`# ${comment}`))
  })

  it('keeps JSON JSON', () => {
    const json = JSON.stringify({ version: 1, routes: [{ name: 'a', match: {} }] }, null, 2)
    const after = editText(json, [
      { path: ['routes', 0, 'upstream'], value: 'u' },
      { path: ['routes', 0, 'match', 'path'], value: '/x' },
      { path: ['drainTimeout'], value: '1s' },
    ])
    assert.deepEqual(JSON.parse(after), {
      version: 1,
      routes: [{ name: 'a', match: { path: '/x' }, upstream: 'u' }],
      drainTimeout: '1s',
    })
    assert.equal(after.split('\n').length, json.split('\n').length + 2)
  })

  it('begins an empty text, and fills what is empty', () => {
    assert.equal(editText('', [{ path: ['a'], value: 1 }]), 'a: 1\n')
    assert.equal(editText('routes: []\n', [{ path: ['routes', 0], value: { name: 'a' } }]), 'routes:\n  - name: a\n')
    assert.equal(editText('a:\nb: 1', [{ path: ['a'], value: 'x' }]), 'a: x\nb: 1')
    assert.equal(editText('a: 1', [{ path: ['b'], value: 2 }]), 'a: 1\nb: 2')
  })

  it('refuses what it cannot change alone', () => {
    const shared = 'a: &x { b: 1 }\nc: *x\n'
    assert.throws(() => editText(shared, [{ path: ['a', 'b'], value: 2 }]), EditRefusal)
    assert.equal(editText(shared, [{ path: ['c', 'b'], value: 2 }]), 'a: &x { b: 1 }\nc: { b: 2 }\n')
    assert.throws(() => editText('a: [', []), EditRefusal)
    assert.throws(() => editText(`a: &a [${'x,'.repeat(9)}]\n` + bomb(), []), EditRefusal)
  })

  it('with nothing to change gives the very text', () => {
    for (const text of texts()) assert.equal(rewriteText(text, writtenValue(text)), text)
  })

  it('of any kind comes to the value that is wanted, and changes nothing else', () => {
    let seed = 7
    const random = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below
    let comments = 0
    for (const text of texts()) {
      const value = writtenValue(text)
      for (let round = 0; round < 6; round++) {
        const path = anyPath(value, random)
        if (path.length === 0) continue
        const edit: Edit = { path, value: ANY[random(ANY.length)] }
        const after = editText(text, [edit])
        const again = editText(after, [])
        assert.equal(again, after)
        if (edit.value !== undefined)
          assert.ok(isEqual(at(writtenValue(after), path), edit.value), JSON.stringify(edit))
        // And back: the same value as before.
        assert.ok(isEqual(writtenValue(rewriteText(after, value)), value))
        comments += Math.max(0, countOf(text) - countOf(after) - 3)
      }
    }
    assert.ok(comments < 100, `${comments} comments lost`)
  })
})

const ANY: readonly unknown[] = [
  undefined,
  'text',
  'a: b',
  '# no',
  '- x',
  '${V}',
  "it's",
  '',
  'two\nlines\n',
  0,
  true,
  null,
  [],
  {},
  [1, 'a, b'],
  { a: { b: [{ c: 'd' }] } },
  'null',
  '1',
  ' x ',
  '{}',
  '*',
]

function texts(): string[] {
  const root = new URL('../../', import.meta.url).pathname
  return [TEXT, ...globSync('config/**/*.yaml', { cwd: root }).map((file) => readFileSync(root + file, 'utf8'))]
}

function anyPath(value: unknown, random: (below: number) => number): (string | number)[] {
  const keys: (string | number)[] = Array.isArray(value) ? [...value.keys()] : isRecord(value) ? Object.keys(value) : []
  if (keys.length === 0 || random(5) === 0) return []
  const key = keys[random(keys.length)]!
  return [key, ...anyPath((value as never)[key], random)]
}

function at(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((found, step) => (found as never)[step], value)
}

function countOf(text: string): number {
  return text.split('\n').filter((line) => /(^|\s)# /.test(line)).length
}

function bomb(): string {
  return Array.from(
    { length: 9 },
    (_, i) => `${'bcdefghij'[i]}: &${'bcdefghij'[i]} [${`*${'abcdefghi'[i]},`.repeat(9)}]`,
  ).join('\n')
}
