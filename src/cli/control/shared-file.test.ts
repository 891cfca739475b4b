import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { readSharedFile, type SharedFile } from './shared-file.ts'
import { TargetFailure } from './target.ts'

const read = (text: string): SharedFile => readSharedFile({ file: 'gateway.yaml', text })

describe('a file as shared items', () => {
  it('gives each item its own text, with its comments', () => {
    const { items, rest, problems } = read(`# head
version: 1
listeners: [{ name: main, bind: '\${BIND}' }]
routes:
  # users of the shop
  - name: users # its name
    # inside
    match:
      path: /a
    upstream: u   # end

  # second
  - { name: b,
    match: { path: /b } } # tail
  -
    name: c
    respond:
      body: |
        hello
          world

    # last
upstreams:
  # about u
  u: # u itself
    # within u
    endpoints: [{ url: x }]
    # end of u
  # about w
  w: { endpoints: [] } # w itself
# how
paths:
  /a/**: { cors: off }
`)
    assert.deepEqual([rest, problems], [['listeners'], []])
    assert.deepEqual([...items.keys()], ['routes/users', 'routes/b', 'routes/c', 'upstreams/u', 'upstreams/w', 'paths'])
    assert.equal(
      items.get('routes/users'),
      '# users of the shop\nname: users # its name\n# inside\nmatch:\n  path: /a\nupstream: u   # end\n',
    )
    assert.equal(items.get('routes/b'), '# second\n{ name: b,\nmatch: { path: /b } } # tail\n')
    assert.equal(items.get('routes/c'), 'name: c\nrespond:\n  body: |\n    hello\n      world\n\n# last\n')
    assert.equal(items.get('upstreams/u'), '# about u\n# u itself\n# within u\nendpoints: [{ url: x }]\n# end of u\n')
    assert.equal(items.get('upstreams/w'), '# about w\n{ endpoints: [] } # w itself\n')
    assert.equal(items.get('paths'), '# how\n/a/**: { cors: off }\n')
  })

  it('writes anew what cannot stand alone', () => {
    const { items } = read(`upstreams:
  u: &shared { endpoints: [{ url: x }], balance: random }
  w: *shared
routes:
  - &r { name: a, respond: { headers: &h { a: b } } }
  - { name: b, respond: { headers: *h } }
  - { name: c, respond: { body: "x
     y" } }
  - name: d
    respond:
      body: |+
        kept


`)
    assert.deepEqual(parse(items.get('upstreams/w')!), { endpoints: [{ url: 'x' }], balance: 'random' })
    assert.deepEqual(parse(items.get('routes/b')!), { name: 'b', respond: { headers: { a: 'b' } } })
    assert.deepEqual(parse(items.get('routes/c')!), { name: 'c', respond: { body: 'x y' } })
    assert.deepEqual(parse(items.get('routes/d')!), { name: 'd', respond: { body: 'kept\n\n\n' } })
  })

  it('takes JSON', () => {
    const value = { routes: [{ name: 'a', respond: { body: 'x' } }], upstreams: { u: { endpoints: [] } }, plugins: {} }
    const { items } = read(JSON.stringify(value, null, 2))
    assert.deepEqual(
      [...items].map(([key, text]) => [key, parse(text) as unknown]),
      [
        ['routes/a', value.routes[0]],
        ['upstreams/u', value.upstreams.u],
        ['plugins', {}],
      ],
    )
  })

  it('has no variables, but dollars', () => {
    const { problems } = read(
      'routes:\n  - { name: a, respond: { body: "$${A}" } }\n  - { name: b, upstream: "${B:-u}" }\n',
    )
    assert.equal(problems.length, 1)
    const [{ line, column, key, message }] = problems as [(typeof problems)[0]]
    assert.deepEqual([line, column, key], [3, 27, 'routes/b'])
    assert.match(message, /cannot read the environment/)
  })

  it('leaves out what is nobody’s item, and refuses what is no YAML', () => {
    const { items } = read('routes: [1, {}, { name: 7 }, null]\nupstreams: []\npaths:\n')
    assert.deepEqual([...items.keys()], ['paths'])
    assert.deepEqual([...read('').items, ...read('routes: 1').items], [])
    assert.throws(() => read('a: ['), TargetFailure)
  })
})
