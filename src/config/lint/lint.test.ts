// What is worth a warning (the mark ‹ stands right before its place), and what nearly is and must not be warned of.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Type } from 'typebox'
import { ConfigLoader } from '../loader.ts'
import { formatProblem, type Problem } from '../problem.ts'
import { Secret } from '../units.ts'

const plugin = (name: string, order: number) => ({
  name,
  order,
  schema: Type.Object({}, { additionalProperties: true }),
})
const PLUGINS = new Map(
  [
    plugin('jwt', 320),
    plugin('acl', 350),
    plugin('rate-limit', 355),
    plugin('transform', 700),
    plugin('mask', 850),
    plugin('own', 500),
    { ...plugin('key-auth', 310), schema: Type.Object({ keys: Type.Array(Type.Object({ key: Secret() })) }) },
  ].map((each) => [each.name, each]),
)

const HEAD = 'version: 1\nlisteners: [{ name: a, bind: 127.0.0.1:0 }]\n'
const UP = `${HEAD}upstreams: { up: { endpoints: [{ url: http://h:1 }] } }\n`
const ROUTE = 'routes: [{ name: r, upstream: up }]\n'
const up = (rest: string): string => `${HEAD}upstreams: { up: { endpoints: [{ url: http://h:1 }], ${rest} } }\n${ROUTE}`
const two = (a: string, b: string): string =>
  `${HEAD}routes:\n  - { name: a, respond: {}, ${a} }\n  - ‹{ name: b, respond: {}, ${b} }\n`
const respond = (rest: string): string => `${HEAD}${rest}\nroutes: [{ name: r, match: { path: /a/b }, respond: {} }]\n`

async function lint(text: string, items: Record<string, string> | null = null): Promise<readonly Problem[]> {
  const loader = new ConfigLoader()
  const document = await loader.parse(text, 'g.yaml', { KEY: 'k'.repeat(30) })
  const shared = items === null ? null : { origin: 'etcd:/e/', items: new Map(Object.entries(items)) }
  const loaded = await loader.load({ document, shared, plugins: PLUGINS })
  assert.ok(loaded.ok, loaded.ok ? '' : loaded.problems.map(formatProblem).join('\n'))
  assert.deepEqual(loaded.rejected, [])
  return loader.lint(loaded.config)
}

const WARNED: readonly [what: string, yaml: string, words: string][] = [
  ['a route twice', two('match: { path: /a }', 'match: { path: /a }'), '"b" can never match: "a" takes all'],
  ['other parameters', two('match: { path: "/{x}/*" }', 'match: { path: "/{y}/{z}" }'), 'can never match'],
  [
    'other spelling of host and header',
    two('match: { host: A.com, headers: { X: a } }', 'match: { host: a.com., headers: { x: a } }'),
    'can never match',
  ],
  [
    'methods taken',
    two('match: { path: /a, method: [GET, PUT] }', 'match: { path: /a, method: PUT }'),
    'can never match',
  ],
  ['the same expression', two('match: { pathRegex: /a+ }', 'match: { pathRegex: /a+ }'), 'can never match'],
  ['a lower priority', two('priority: 1', 'priority: 0'), 'can never match'],
  ['one share', `${UP}routes: [{ name: r, ‹split: [{ upstream: up, weight: 1 }] }]`, 'write upstream: up'],
  [
    'two shares of one',
    `${UP}routes: [{ name: r, split: [{ upstream: up, weight: 1 }, { upstream: ‹up, weight: 2 }] }]`,
    'add the weights',
  ],
  [
    'an unused upstream',
    `${HEAD}upstreams: { ‹up: { endpoints: [{ url: http://h:1 }] } }\nroutes: []`,
    'no route, split or fallback',
  ],
  ['connect', up('timeouts: { connect: ‹3s, total: 2s }'), '3s never pass: total ends the request after 2s'],
  ['idle', up('timeouts: { idle: ‹3s, total: 2s }'), '3s never pass'],
  ['perTry', up('timeouts: { response: 1s }, retries: { perTry: ‹2s }'), 'timeouts.response ends the try after 1s'],
  [
    'retries',
    up('timeouts: { total: 3s }, retries: { attempts: ‹3, on: [timeout], perTry: 1s }'),
    'after 3 tries of 1s',
  ],
  ['hedge', up('timeouts: { response: 1s }, hedge: { after: ‹1s }'), 'no second request'],
  ['health', up('health: { interval: 1s, timeout: ‹2s }'), 'the next one is due after 1s'],
  [
    'the order of acl',
    `${respond('plugins: { jwt: {}, acl: {} }')}pluginOrder: { acl: ‹100 }`,
    'acl (100) runs before jwt (320)',
  ],
  [
    'the order of jwt',
    `${respond('plugins: { jwt: {}, acl: {} }')}pluginOrder: { jwt: ‹400 }`,
    'acl (350) runs before jwt (400)',
  ],
  [
    'a limit by claim',
    `${respond('plugins: { jwt: {}, rate-limit: { key: [route, "claim:sub"] } }')}pluginOrder: { rate-limit: ‹1 }`,
    'its key asks',
  ],
  [
    'mask before transform',
    `${respond('plugins: { mask: {}, transform: {} }')}pluginOrder: { mask: ‹1 }`,
    'not masked',
  ],
  [
    'nobody to tell who',
    respond('paths: { /a/b: { ‹rate-limit: { limits: [{ key: consumer }] } } }'),
    'no plugin here tells',
  ],
  ['an acl for nobody', respond('plugins: { ‹acl: { allow: [{ consumer: x }] } }'), 'no plugin here tells'],
  ['a path of no route', respond('paths: { ‹/b/**: { jwt: {} } }'), 'no route has a path'],
  ['a token in clear', respond('admin: { bind: 127.0.0.1:0, token: ‹abcdefghijklmnop }'), 'in clear'],
  ['a key in clear', respond('plugins: { key-auth: { keys: [{ key: ‹abc }] } }'), 'in clear'],
  ['a header in clear', `${HEAD}routes: [{ name: r, respond: { headers: { x-api-key: ‹abc } } }]`, 'in clear'],
  [
    'a short token',
    respond('admin: { bind: 0.0.0.0:0, token: ‹"${KEY:-}" }').replace('${KEY:-}', '${TOKEN:-abcdefghijklmnop}'),
    '16 characters',
  ],
  ['a token of one letter', respond('admin: { bind: 0.0.0.0:0, token: ‹"${KEY}" }'), 'few characters'],
  ['everybody a proxy', respond('trustedProxies: [10.0.0.0/8, ‹0.0.0.0/0]'), 'everybody'],
]

const FINE: readonly [what: string, yaml: string][] = [
  ['other paths', two('match: { path: /a }', 'match: { path: /b }')],
  ['a prefix first', two('match: { path: /** }', 'match: { path: /a }')],
  ['other hosts', two('match: { host: "*.a.com" }', 'match: { host: b.a.com }')],
  ['more conditions', two('match: { path: /a }', 'match: { path: /a, headers: { x: a } }')],
  ['other conditions', two('match: { query: { x: a } }', 'match: { headers: { x: a } }')],
  ['HEAD beside GET', two('match: { path: /a, method: GET }', 'match: { path: /a, method: HEAD }')],
  ['some methods left', two('match: { path: /a, method: GET }', 'match: { path: /a, method: [GET, PUT] }')],
  ['all methods after some', two('match: { path: /a, method: GET }', 'match: { path: /a }')],
  ['a higher priority', two('priority: 0', 'match: { path: / }, priority: 1')],
  [
    'a share of none',
    `${HEAD}upstreams: { up: { endpoints: [{ url: http://h:1 }] }, b: { endpoints: [{ url: http://h:2 }] } }\nroutes: [{ name: r, split: [{ upstream: up, weight: 1 }, { upstream: b, weight: 0 }] }]`,
  ],
  [
    'an upstream as a fallback',
    `${HEAD}upstreams: { up: { endpoints: [{ url: http://h:1 }], fallback: { upstream: b } }, b: { endpoints: [{ url: http://h:2 }] } }\n${ROUTE}`,
  ],
  ['defaults above total', up('timeouts: { total: 1s }')],
  ['times that fit', up('timeouts: { connect: 2s, response: 2s, idle: 2s, total: 2s }')],
  ['perTry that fits', up('timeouts: { response: 2s }, retries: { perTry: 2s }')],
  ['retries that fit', up('timeouts: { total: 5s }, retries: { attempts: 3, on: [timeout], perTry: 1s }')],
  ['retries of what fails at once', up('timeouts: { total: 3s }, retries: { attempts: 10, perTry: 1s }')],
  ['a hedge that fits', up('timeouts: { response: 1s }, hedge: { after: 500ms }')],
  ['a hedge by percentile', up('timeouts: { response: 1ms }, hedge: { after: p95 }')],
  ['health that fits', up('health: { interval: 2s, timeout: 2s }')],
  ['orders of their own', respond('plugins: { jwt: {}, acl: { allow: [{ consumer: x }] }, mask: {}, transform: {} }')],
  ['another order that holds', `${respond('plugins: { jwt: {}, acl: {} }')}pluginOrder: { acl: 330 }`],
  ['an order of what is not used', `${respond('plugins: { acl: {} }')}pluginOrder: { acl: 1 }`],
  [
    'a limit by address',
    `${respond('plugins: { jwt: {}, rate-limit: { key: client-ip } }')}pluginOrder: { rate-limit: 1 }`,
  ],
  ['an acl by address', respond('plugins: { acl: { allow: [{ cidr: 10.0.0.0/8 }] } }')],
  ['an own plugin that may tell who', respond('plugins: { own: {}, acl: { allow: [{ consumer: x }] } }')],
  ['a path of some route', respond('paths: { /a/**: { jwt: {} }, "/{x}/b": { jwt: off } }')],
  [
    'a path beside expressions',
    `${HEAD}paths: { /b: { jwt: {} } }\nroutes: [{ name: r, match: { pathRegex: /x }, respond: {} }]`,
  ],
  [
    'secrets from the environment',
    respond('admin: { bind: 127.0.0.1:0, token: "${KEY}" }\nplugins: { key-auth: { keys: [{ key: "${KEY}" }] } }'),
  ],
  ['digests', respond(`plugins: { key-auth: { keys: [{ key: "sha256:${'a'.repeat(64)}" }] } }`)],
  ['a token on loopback', respond('admin: { bind: 127.0.0.1:0, token: "${TOKEN:-abcdefghijklmnop}" }')],
  [
    'a header to look at',
    `${HEAD}routes: [{ name: r, match: { headers: { authorization: { present: true } } }, respond: {} }]`,
  ],
  ['proxies', respond('trustedProxies: [10.0.0.0/8]')],
]

describe('lint', () => {
  for (const [what, marked, words] of WARNED) {
    it(`warns of ${what}`, async () => {
      const before = marked.slice(0, marked.indexOf('‹')).split('\n')
      const warnings = await lint(marked.replace('‹', ''))
      assert.equal(warnings.length, 1, warnings.map(formatProblem).join('\n'))
      const { line, column, message } = warnings[0]!
      assert.ok(message.includes(words), message)
      assert.deepEqual([line, column], [before.length, before.at(-1)!.length + 1])
    })
  }

  for (const [what, text] of FINE) {
    it(`says nothing of ${what}`, async () => {
      assert.deepEqual((await lint(text.replace('‹', ''))).map(formatProblem), [])
    })
  }

  it('knows the place in the text of shared items', async () => {
    const warnings = await lint(respond(''), {
      'routes/x': 'match: { path: /a/b }\nrespond: {}',
      'upstreams/up': '{ endpoints: [{ url: http://h:1 }], timeouts: { connect: 3s, total: 2s } }',
      paths: '\n/z: {}',
    })
    assert.deepEqual(
      warnings.map(({ file, line, column, key }) => `${file}:${line}:${column} ${key}`),
      [
        'etcd:/e/paths:2:1 paths./z',
        'etcd:/e/routes/x:1:1 routes/x',
        'etcd:/e/upstreams/up:1:1 upstreams/up',
        'etcd:/e/upstreams/up:1:58 upstreams/up.timeouts.connect',
      ],
    )
  })

  it('does not grow with the square of the routes', async () => {
    const items = Object.fromEntries(
      Array.from({ length: 3000 }, (_, i) => [
        `routes/r${i}`,
        `{"match":{"path":"/x","headers":{"x":"${i}"}},"respond":{}}`,
      ]),
    )
    const toggles = Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`/x/${i}`, {}]))
    const warnings = await lint(respond(''), { ...items, paths: JSON.stringify(toggles) })
    assert.ok(warnings.length <= 500)
  })
})
