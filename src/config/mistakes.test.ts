// What people write wrong, where the message must point (the mark ‹ stands right before that place), and the words
// that it must have.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Type } from 'typebox'
import { parseDocument } from './document.ts'
import { loadConfig, type PluginSchema } from './load.ts'
import { formatProblem, type Problem } from './problem.ts'
import { ByteSize, Duration, Rate } from './units.ts'

const CLOSED = { additionalProperties: false }
const PLUGINS = new Map<string, PluginSchema>(
  [
    { name: 'request-id', schema: Type.Object({ header: Type.Optional(Type.String()) }, CLOSED) },
    {
      name: 'cors',
      schema: Type.Object({ origins: Type.Array(Type.String()), maxAge: Type.Optional(Duration()) }, CLOSED),
    },
    { name: 'body-limit', schema: Type.Object({ max: ByteSize() }, CLOSED) },
    {
      name: 'pace',
      schema: Type.Object({ rate: Rate(), share: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })) }, CLOSED),
    },
  ].map((plugin) => [plugin.name, plugin]),
)

const HEAD = `version: 1
listeners: [{ name: a, bind: 127.0.0.1:0 }]
`
const UP = `${HEAD}upstreams: { up: { endpoints: [{ url: http://127.0.0.1:1 }] } }
`

function problemsOf(text: string, env: Record<string, string> = {}): readonly Problem[] {
  const loaded = loadConfig(parseDocument(text, 'g.yaml', env), PLUGINS)
  return loaded.ok ? [] : loaded.problems
}

type Mistake = readonly [yaml: string, ...words: string[]]

const MISTAKES: readonly Mistake[] = [
  // the text
  [`${HEAD}routes: [‹`, 'invalid YAML'],
  [`${HEAD}routes: []\n‹version: 1`, 'twice'],
  [`‹\n`, 'empty'],
  [`‹- a`, 'mapping'],
  [`‹"text"`, 'mapping'],
  [`${HEAD}routes: []\nplugins: ‹*nowhere`, 'invalid YAML'],
  // keys
  [`${HEAD}routes: []\n‹listners: []`, 'unknown key "listners"', 'did you mean "listeners"?'],
  [`${HEAD}routes: []\n‹zzz: 1`, 'unknown key "zzz"', 'known: '],
  [`${HEAD}‹route: []\nroutes: []`, 'did you mean "routes"?'],
  [`${UP}routes: [{ name: r, ‹upstraem: up, respond: {} }]`, 'did you mean "upstream"?'],
  [`${UP}routes: [{ name: r, upstream: up, match: { ‹pth: /a } }]`, 'did you mean "path"?'],
  [`${HEAD}upstreams: { up: { endpoints: [{ url: http://h:1, ‹wieght: 2 }] } }\nroutes: []`, 'did you mean "weight"?'],
  [
    `${HEAD}upstreams: { up: { endpoints: [{ url: http://h:1 }], timeouts: { ‹conect: 1s } } }\nroutes: []`,
    'did you mean "connect"?',
  ],
  [`‹version: 1\nroutes: []`, '"listeners" is missing'],
  [`‹listeners: [{ name: a, bind: 127.0.0.1:0 }]\nroutes: []`, '"version" is missing'],
  [`version: 1\nlisteners: [‹{ bind: 127.0.0.1:0 }]\nroutes: []`, '"name" is missing'],
  [`version: 1\nlisteners: [‹{ name: a }]\nroutes: []`, '"bind" is missing'],
  [`${HEAD}upstreams: { up: ‹{} }\nroutes: []`, 'neither endpoints nor discovery'],
  // kinds
  [`version: ‹2\nlisteners: [{ name: a, bind: 127.0.0.1:0 }]\nroutes: []`, 'saw 2, expected 1'],
  [`version: ‹"1"\nlisteners: [{ name: a, bind: 127.0.0.1:0 }]\nroutes: []`, 'expected 1'],
  [`version: 1\nlisteners: ‹here\nroutes: []`, 'expected a list', 'saw "here"'],
  [`version: 1\nlisteners: ‹[]\nroutes: []`, 'the list is empty'],
  [`${HEAD}routes: ‹{ a: b }`, 'expected a list', 'a mapping'],
  [`${HEAD}routes: [‹text]`, 'expected a mapping'],
  [`${HEAD}routes: [{ name: ‹7, respond: {} }]`, 'expected text, saw 7', 'in quotes: "7"'],
  [`${HEAD}routes: [{ name: ‹"", respond: {} }]`, 'empty'],
  [`${HEAD}routes: [{ name: r, priority: ‹high, respond: {} }]`, 'expected a whole number, saw "high"'],
  [`${HEAD}routes: [{ name: r, priority: ‹1.5, respond: {} }]`, 'expected a whole number, saw 1.5'],
  [
    `${HEAD}upstreams: { up: { endpoints: [{ url: http://h:1, weight: ‹-1 }] } }\nroutes: []`,
    'from 0 to 65535',
    'saw -1',
  ],
  [`${HEAD}routes: [{ name: r, respond: { status: ‹99 } }]`, 'from 200 to 599'],
  [`${HEAD}routes: [{ name: r, redirect: { to: /a, status: ‹304 } }]`, 'expected 301, 302, 303, 307 or 308'],
  [`version: 1\nlisteners: [{ name: a, bind: 127.0.0.1:0, engine: ‹usw }]\nroutes: []`, 'did you mean "uws"?'],
  [`${UP}routes: [{ name: r, upstream: up, match: { headers: { x: ‹[a] } } }]`, 'saw a list'],
  [`${UP}routes: [{ name: r, upstream: up, match: { headers: { x: ‹{ regx: a } } } }]`, 'did you mean "regex"?'],
  [`${UP}routes: [{ name: r, upstream: up, match: { headers: { x: { present: ‹"yes" } } } }]`, 'true or false'],
  // units
  [`${HEAD}drainTimeout: ‹5\nroutes: []`, 'a duration such as', 'did you mean "5ms"?'],
  [`${HEAD}drainTimeout: ‹5sec\nroutes: []`, 'did you mean "5s"?'],
  [`${HEAD}drainTimeout: ‹-1s\nroutes: []`, 'a duration such as'],
  [`${HEAD}plugins: { body-limit: { max: ‹10MB } }\nroutes: []`, 'a size such as', 'did you mean "10MiB"?'],
  [`${HEAD}plugins: { body-limit: { max: ‹lots } }\nroutes: []`, 'a size such as'],
  [`${HEAD}plugins: { pace: { rate: ‹100rps } }\nroutes: []`, 'a rate such as', 'did you mean "100/s"?'],
  [`${HEAD}plugins: { pace: { rate: 1/s, share: ‹2 } }\nroutes: []`, 'from 0 to 1'],
  // texts with a meaning
  [`version: 1\nlisteners: [{ name: a, bind: ‹"8080" }]\nroutes: []`, 'did you mean "0.0.0.0:8080"?'],
  [`version: 1\nlisteners: [{ name: a, bind: ‹127.0.0.1:99999 }]\nroutes: []`, '0 to 65535'],
  [`version: 1\nlisteners: [{ name: a, bind: ‹"::1:80" }]\nroutes: []`, 'need brackets'],
  [`version: 1\nlisteners: [{ name: a, bind: ‹example.com:80 }]\nroutes: []`, 'not an IP address'],
  [`version: 1\nlisteners: [{ name: a, bind: ‹unix:sock }]\nroutes: []`, 'absolute path'],
  [`${HEAD}upstreams: { up: { endpoints: [{ url: ‹127.0.0.1:80 }] } }\nroutes: []`, 'not an origin'],
  [`${HEAD}upstreams: { up: { endpoints: [{ url: ‹http://h/path }] } }\nroutes: []`, 'has a path'],
  [`${HEAD}upstreams: { up: { endpoints: [{ url: ‹http://u:p@h }] } }\nroutes: []`, 'credentials'],
  [`${HEAD}trustedProxies: [‹10.0.0.0/33]\nroutes: []`, 'from 0 to 32'],
  [`${HEAD}trustedProxies: [‹localhost]\nroutes: []`, 'not an address or CIDR'],
  [`${UP}routes: [{ name: r, upstream: up, match: { path: ‹users } }]`, 'must begin with "/"'],
  [`${UP}routes: [{ name: r, upstream: up, match: { path: ‹'/a/{id' } }]`, 'mixes text and a parameter'],
  [`${UP}routes: [{ name: r, upstream: up, match: { path: ‹'/{a}/{a}' } }]`, 'twice'],
  [`${UP}routes: [{ name: r, upstream: up, match: { path: ‹'/**/a' } }]`, 'last segment'],
  [`${UP}routes: [{ name: r, upstream: up, match: { path: ‹'/a//b' } }]`, 'empty segment'],
  [`${UP}routes: [{ name: r, upstream: up, match: { path: ‹'/${'{}/'.repeat(1)}' } }]`, 'needs a name'],
  [
    `${UP}routes: [{ name: r, upstream: up, match: { path: ‹'${Array.from({ length: 17 }, (_, i) => `/{p${i}}`).join('')}' } }]`,
    'more than 16',
  ],
  [`${UP}routes: [{ name: r, upstream: up, match: { pathRegex: ‹'(' } }]`, 'linear time'],
  [`${UP}routes: [{ name: r, upstream: up, match: { pathRegex: ‹'(?=a)' } }]`, 'RE2'],
  [`${UP}routes: [{ name: r, upstream: up, match: { headers: { x: { regex: ‹'[' } } } }]`, 'linear time'],
  [`${UP}routes: [{ name: r, upstream: up, match: { host: ‹http://a } }]`, 'has a scheme'],
  [`${UP}routes: [{ name: r, upstream: up, match: { host: ‹'a.com:80' } }]`, 'has a port'],
  [`${UP}routes: [{ name: r, upstream: up, match: { host: ‹'a.*.com' } }]`, 'first label'],
  [`${UP}routes: [{ name: r, upstream: up, match: { host: ‹'*' } }]`, 'leave host out'],
  // names and references
  [`${UP}routes: [{ name: r, upstream: ‹upp }]`, 'there is no upstream "upp"', 'did you mean "up"?'],
  [`${UP}routes: [{ name: r, split: [{ upstream: ‹other, weight: 1 }] }]`, 'known: up'],
  [`${HEAD}routes: [{ name: r, respond: {} }, { name: ‹r, respond: {} }]`, 'twice', 'routes[0]'],
  [`${HEAD}routes: [{ name: ‹unmatched, respond: {} }]`, 'match no route'],
  [`version: 1\nlisteners: [{ name: a, bind: 127.0.0.1:1 }, { name: ‹a, bind: 127.0.0.1:2 }]\nroutes: []`, 'twice'],
  [`version: 1\nlisteners: [{ name: a, bind: 127.0.0.1:1 }, { name: b, bind: ‹127.0.0.1:1 }]\nroutes: []`, 'twice'],
  [`${HEAD}upstreams: { up: { endpoints: [{ url: http://h }, { url: ‹http://h }] } }\nroutes: []`, 'more weight'],
  [`${HEAD}upstreams: { up: { endpoints: ‹[{ url: http://h, weight: 0 }] } }\nroutes: []`, 'weight 0'],
  [`${HEAD}upstreams: { ‹"a b": { endpoints: [{ url: http://h }] } }\nroutes: []`, 'letters'],
  [`${UP}routes: [{ name: r, split: ‹[{ upstream: up, weight: 0 }] }]`, 'weight 0'],
  [`${UP}routes: [‹{ name: r, match: { path: /a } }]`, 'does nothing'],
  [`${UP}routes: [{ name: r, upstream: up, ‹respond: {} }]`, 'has upstream already'],
  [`${UP}routes: [{ name: r, upstream: up, match: { path: /a, ‹pathRegex: /b } }]`, 'use one of'],
  [`${UP}routes: [{ name: r, respond: {}, ‹rewrite: { path: /a } }]`, 'this route has none'],
  [
    `${UP}routes: [{ name: r, upstream: up, match: { path: '/u/{id}' }, rewrite: { path: ‹'/v/{idd}' } }]`,
    'did you mean "id"?',
  ],
  [`${UP}routes: [{ name: r, upstream: up, rewrite: { path: /a, ‹stripPrefix: /b } }]`, 'use one of'],
  [
    `${UP}routes: [{ name: r, upstream: up, match: { path: /a/** }, rewrite: { stripPrefix: ‹/b } }]`,
    'begins with "/b"',
  ],
  [`${HEAD}routes: [{ name: r, redirect: { to: ‹'/{nix}' } }]`, 'is no parameter here'],
  [`${HEAD}routes: [{ name: r, redirect: { to: ‹example.com } }]`, 'neither a path'],
  [`${UP}routes: [{ name: r, upstream: up, match: { method: ‹get } }]`, 'did you mean "GET"?'],
  [`${UP}routes: [{ name: r, upstream: up, match: { method: [GET, ‹POTS] } }]`, 'did you mean "POST"?'],
  [`${UP}routes: [{ name: r, upstream: up, match: { method: ‹"GE T" } }]`, 'not a method'],
  [`${UP}routes: [{ name: r, upstream: up, match: { headers: { ‹"a b": c } } }]`, 'not a header name'],
  [`${HEAD}routes: [{ name: r, respond: { status: 204, body: ‹text } }]`, 'has no body'],
  [`${HEAD}routes: [{ name: r, respond: { headers: { a: ‹"b\\r\\nc: d" } } }]`, 'HTTP forbids'],
  [`${HEAD}routes: [{ name: r, respond: { headers: { ‹Content-Length: "5" } } }]`, 'itself'],
  [`${HEAD}admin: { bind: ‹0.0.0.0:9901 }\nroutes: []`, 'not on loopback', 'that needs a token'],
  [`${HEAD}admin: { bind: ‹'[::]:9901' }\nroutes: []`, 'not on loopback'],
  [`${HEAD}admin: { bind: 127.0.0.1:1, token: ‹"fifteen letters" }\nroutes: []`, 'fewer than 16 characters'],
  [`${HEAD}admin: { bind: 127.0.0.1:1, token: ‹"0123456789 012345" }\nroutes: []`, 'it does not have the form'],
  [`${HEAD}admin: { bind: 127.0.0.1:1, token: ‹1234567890123456 }\nroutes: []`, 'put it in quotes'],
  // plugins and toggles
  [`${HEAD}plugins: { ‹request-ids: {} }\nroutes: []`, 'there is no plugin', 'did you mean "request-id"?'],
  [`${HEAD}plugins: { cors: { ‹origin: [a], origins: [b] } }\nroutes: []`, 'did you mean "origins"?'],
  [`${HEAD}plugins: { cors: ‹{} }\nroutes: []`, '"origins" is missing'],
  [`${HEAD}plugins: { cors: ‹onn }\nroutes: []`, 'did you mean "on"?'],
  [`${HEAD}plugins: { cors: ‹5 }\nroutes: []`, 'on or off'],
  [`${HEAD}plugins:\n  ‹request-id:\nroutes: []`, 'saw nothing', '{} for the defaults'],
  [`${HEAD}plugins: { cors: ‹on }\nroutes: []`, 'required options'],
  [`${HEAD}paths: { ‹api/**: { cors: off } }\nroutes: []`, 'must begin with "/"'],
  [`${HEAD}paths: { /api/**: ‹off }\nroutes: []`, 'expected a mapping'],
  [`${HEAD}paths: { /a: { body-limit: { max: ‹5 } } }\nroutes: []`, 'did you mean "5B"?'],
  [`${UP}routes: [{ name: r, upstream: up, plugins: { ‹corz: off } }]`, 'did you mean "cors"?'],
  // later
  [`version: 1\nlisteners: [{ name: a, bind: 127.0.0.1:0, ‹tls: {} }]\nroutes: []`, 'not supported yet'],
  [`${HEAD}workers: ‹auto\nroutes: []`, 'not supported yet'],
  [`${HEAD}upstreams: { up: { endpoints: [{ url: http://h }], ‹tls: {} } }\nroutes: []`, 'not supported yet'],
  [`${HEAD}upstreams: { up: { endpoints: [{ url: http://h }], transport: ‹h2 } }\nroutes: []`, 'not supported yet'],
  [
    `${HEAD}upstreams: { up: { endpoints: [{ url: http://h }], ‹discovery: { dns: { name: a.b, port: 1 } } } }\nroutes: []`,
    'one of endpoints and discovery',
  ],
  [`${HEAD}upstreams: { up: { endpoints: [{ url: http://h }], balance: ‹p2x } }\nroutes: []`, 'did you mean "p2c"'],
  [
    `${HEAD}upstreams: { up: { endpoints: [{ url: http://h }], ‹hash: {} } }\nroutes: []`,
    'only balance: consistent-hash',
  ],
  [
    `${HEAD}upstreams: { up: { endpoints: [{ url: http://h }], balance: consistent-hash, hash: { key: ‹ip } } }\nroutes: []`,
    'none of client-ip, header:NAME',
  ],
  [
    `${HEAD}upstreams: { up: { endpoints: [{ url: http://h }], balance: consistent-hash, hash: { bound: ‹0.5 } } }\nroutes: []`,
    'leaves no endpoint its share',
  ],
  [
    `${HEAD}upstreams: { up: { endpoints: [{ url: http://h }], sticky: { cookie: ‹'a b' } } }\nroutes: []`,
    'is not a cookie name',
  ],
  [
    `${HEAD}upstreams: { up: { endpoints: [{ url: http://h }], sticky: { cookie: a, sameSite: ‹None } } }\nroutes: []`,
    'browsers drop cookies',
  ],
  [
    `${HEAD}upstreams: { up: { endpoints: [{ url: http://h }], timeouts: { ‹header: x-timeout } } }\nroutes: []`,
    'nothing to tell without timeouts.total',
  ],
  [
    `${HEAD}upstreams: { up: { endpoints: [{ url: http://h }], timeouts: { total: 1s, header: ‹'a b' } } }\nroutes: []`,
    'is not a header name',
  ],
  [
    `${HEAD}upstreams: { up: { endpoints: [{ url: http://h }], retries: { budget: ‹20 } } }\nroutes: []`,
    'did you mean "20%"',
  ],
  [
    `${HEAD}upstreams: { up: { endpoints: [{ url: http://h }], retries: { budget: ‹20 percent } } }\nroutes: []`,
    'expected a share',
  ],
  [
    `${HEAD}upstreams: { up: { endpoints: [{ url: http://h }], retries: { on: [‹connect] } } }\nroutes: []`,
    'connect-failure',
  ],
  [
    `${HEAD}upstreams: { up: { endpoints: [{ url: http://h }], retries: { on: [‹200] } } }\nroutes: []`,
    'from 400 to 599',
  ],
  [
    `${HEAD}upstreams: { up: { endpoints: [{ url: http://h }], retries: { methods: [‹get] } } }\nroutes: []`,
    'is not a method such as GET',
  ],
  [
    `${HEAD}upstreams: { up: { endpoints: [{ url: http://h }], retries: { attempts: ‹11 } } }\nroutes: []`,
    'from 0 to 10',
  ],
  [`${HEAD}upstreams: { up: { endpoints: [{ url: http://h }], panic: ‹150% } }\nroutes: []`, 'more than all of it'],
  [`${HEAD}upstreams: { up: { endpoints: [{ url: http://h }], spillOver: ‹0% } }\nroutes: []`, 'is no bound'],
  [`${HEAD}upstreams: { up: { endpoints: [{ url: http://h }], loadAware: { floor: ‹0% } } }\nroutes: []`, 'above 0%'],
  [
    `${HEAD}upstreams: { up: { endpoints: [{ url: http://h }], loadAware: { ceiling: ‹50% } } }\nroutes: []`,
    'at least 100%',
  ],
  [
    `${HEAD}upstreams: { up: { endpoints: [{ url: http://h }], health: { ‹status: [200] } } }\nroutes: []`,
    'without path a check only connects',
  ],
  [`${HEAD}upstreams: { up: { endpoints: [{ url: http://h }], health: { path: ‹health } } }\nroutes: []`, '"health"'],
  [
    `${HEAD}upstreams: { up: { endpoints: [{ url: http://h }], health: { interval: ‹0s } } }\nroutes: []`,
    'time between them',
  ],
  [
    `${HEAD}upstreams: { up: { endpoints: [{ url: http://h }], outlier: { maxEjected: ‹101% } } }\nroutes: []`,
    'more than all of it',
  ],
  [
    `${HEAD}upstreams: { up: { endpoints: [{ url: http://h }], breaker: { per: [‹host] } } }\nroutes: []`,
    'expected "endpoint" or "upstream"',
  ],
  [
    `${HEAD}upstreams: { up: { endpoints: [{ url: http://h }], breaker: { failures: ‹200% } } }\nroutes: []`,
    'more than all of it',
  ],
  [`${HEAD}upstreams: { up: { endpoints: [{ url: http://h }], hedge: { after: ‹p99 } } }\nroutes: []`, 'p95'],
  [
    `${HEAD}upstreams: { up: { endpoints: [{ url: http://h }], fallback: { upstream: ‹dwon } } }\nroutes: []`,
    'there is no upstream "dwon"',
  ],
  [
    `${HEAD}upstreams: { up: { endpoints: [{ url: http://h }], fallback: { upstream: ‹up } } }\nroutes: []`,
    'go round in a circle: up -> up',
  ],
  [
    `${HEAD}upstreams: { up: { endpoints: [{ url: http://h }], fallback: { respond: { status: 204, body: ‹x } } } }\nroutes: []`,
    'has no body',
  ],
  [
    `${HEAD}upstreams: { up: { endpoints: [{ url: http://h }], fallback: ‹{ reply: {} } } }\nroutes: []`,
    'expected { upstream: ... }',
  ],
  [`${HEAD}upstreams: { up: { discovery: ‹{ consul: {} } } }\nroutes: []`, 'expected { dns: ... }'],
  [`${HEAD}upstreams: { up: { discovery: { dns: ‹{ name: a.b } } } }\nroutes: []`, 'have no port'],
  [
    `${HEAD}upstreams: { up: { discovery: { dns: { name: a.b, type: SRV, ‹port: 1 } } } }\nroutes: []`,
    'leave port out',
  ],
  [`${HEAD}upstreams: { up: { discovery: { dns: { name: ‹'a b', port: 1 } } } }\nroutes: []`, 'is not a domain name'],
  [
    `${HEAD}upstreams: { up: { discovery: { dns: { name: a.b, port: 1, servers: [‹ns1] } } } }\nroutes: []`,
    'is not an address such as',
  ],
  [`${HEAD}upstreams: { up: { discovery: { dns: { name: ‹a..b, port: 1 } } } }\nroutes: []`, 'is not a domain name'],
  [
    `${HEAD}upstreams: { up: { discovery: { dns: { name: a.b, port: 1, servers: [‹999.1.1.1] } } } }\nroutes: []`,
    'is not an address',
  ],
  [
    `${HEAD}upstreams: { up: { discovery: { dns: { name: a.b, port: 1, servers: [‹"10.0.0.1:65536"] } } } }\nroutes: []`,
    'is not an address',
  ],
  [
    `${HEAD}upstreams: { up: { discovery: { dns: { name: a.b, port: 1, minimumTtl: ‹0s } } } }\nroutes: []`,
    'without end',
  ],
  [
    `${HEAD}upstreams: { up: { discovery: { dns: { name: a.b, port: 1, minimumTtl: 1ms, maximumTtl: ‹0s } } } }\nroutes: []`,
    'without end',
  ],
  [
    `${HEAD}upstreams: { up: { discovery: { dns: { name: a.b, port: 1, minimumTtl: ‹10m } } } }\nroutes: []`,
    'more than maximumTtl',
  ],
  [
    `${HEAD}upstreams: { up: { transport: wire, discovery: { dns: { name: a.b, port: 1, scheme: ‹https } } } }\nroutes: []`,
    'does not speak',
  ],
  [`${HEAD}upstreams: { up: { endpoints: [{ url: ‹HTTPS://h }], transport: wire } }\nroutes: []`, 'does not speak'],
  [
    `${HEAD}upstreams: { up: { endpoints: [{ url: http://h }], health: { path: ‹/a b } } }\nroutes: []`,
    'cannot be asked for',
  ],
  [
    `${HEAD}upstreams: { up: { endpoints: [{ url: http://h }], health: { path: /, host: ‹a b } } }\nroutes: []`,
    'is not a host',
  ],
  [`${HEAD}upstreams: { up: { endpoints: [{ url: http://h }], outlier: { interval: ‹0s } } }\nroutes: []`, 'some time'],
  [`${HEAD}upstreams: { up: { endpoints: [{ url: http://h }], hedge: { after: ‹0s } } }\nroutes: []`, 'at least 1ms'],
  [
    `${HEAD}upstreams: { up: { endpoints: [{ url: http://h }], sticky: { cookie: a, maxAge: ‹10ms } } }\nroutes: []`,
    'whole seconds',
  ],
  [`${HEAD}upstreams: { up: { discovery: { etcd: { hosts: [‹localhost] } } } }\nroutes: []`, 'is not an origin'],
  [`${HEAD}upstreams: { up: { endpoints: [{ url: http://h }], transport: ‹h2 } }\nroutes: []`, 'not supported yet'],
  [
    `${HEAD}upstreams: { up: { endpoints: [{ url: ‹https://h }], transport: wire } }\nroutes: []`,
    'needs TLS',
    'take auto or undici',
  ],
  [
    `${HEAD}upstreams: { up: { endpoints: [{ url: http://h }], transport: undici, ‹pipelining: 4 } }\nroutes: []`,
    'does not pipeline',
    'take wire or auto',
  ],
  [`${HEAD}upstreams: { up: { endpoints: [{ url: http://h }], pipelining: ‹0 } }\nroutes: []`, 'from 1 to 64', 'saw 0'],
  [`${UP}routes: [{ name: r, upstream: up, match: { ‹grpc: {} } }]`, 'not supported yet'],
  [`${HEAD}plugins: { ‹oidc: {} }\nroutes: []`, 'not supported yet'],
  // variables
  [`${HEAD}drainTimeout: ‹\${MISSING}\nroutes: []`, 'MISSING is not set'],
  [`${HEAD}drainTimeout: ‹\${SET}\nroutes: []`, 'saw "soon"'],
  [`${HEAD}drainTimeout: ‹\${1X}\nroutes: []`, '$${'],
]

describe('mistakes', () => {
  for (const [marked, ...words] of MISTAKES) {
    it(`${words.join(' … ')}: ${marked.split('\n').find((line) => line.includes('‹'))}`, () => {
      const before = marked.slice(0, marked.indexOf('‹'))
      const line = before.split('\n').length
      const column = before.length - before.lastIndexOf('\n')
      const problems = problemsOf(marked.replace('‹', ''), { SET: 'soon' })
      const shown = problems.map(formatProblem).join('\n')
      const here = problems.find((problem) => words.every((word) => problem.message.includes(word)))
      assert.ok(here !== undefined, `no message has these words:\n${shown}`)
      assert.equal(`${here.line}:${here.column}`, `${line}:${column}`, shown)
    })
  }

  it('are more than sixty', () => assert.ok(MISTAKES.length >= 60))

  it('are reported all at once, in the order of the text', () => {
    const problems = problemsOf(`version: 3
listeners: [{ name: a, bind: nowhere, engin: uws }]
drainTimeout: soon
plugins: { cors: {}, nix: on }
routes:
  - { name: r, upstream: none }
  - { name: r, respond: {}, redirect: { to: x } }
`)
    assert.deepEqual(
      problems.map(({ line, key }) => `${line} ${key}`),
      [
        '1 version',
        '2 listeners[0].bind',
        '2 listeners[0].engin',
        '3 drainTimeout',
        '4 plugins.cors',
        '4 plugins.nix',
        '6 routes[0].upstream',
        '7 routes[1].name',
        '7 routes[1].redirect',
        '7 routes[1].redirect.to',
      ],
    )
  })
})
