// No reply of the admin listener, and no line of the command line, shows what the configuration keeps secret.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { GatewaySchema } from '../../src/config/schema.ts'
import { SECRET_KEYWORD } from '../../src/config/units.ts'
import { builtInPlugins } from '../../src/live-state.ts'
import { AdminClient, type Json } from '../lab/admin.ts'
import { EtcdServer } from '../lab/etcd.ts'
import { GatewayProcess } from '../lab/gateway.ts'
import { RawClient } from '../lab/raw-client.ts'

const CLI = new URL('../../src/cli/main.ts', import.meta.url).pathname
const SECRET = 'nightingale-nightingale-nightingale'
const TOKEN = `${SECRET}-token`

/** Every field that a schema calls secret. One more here needs one more in the configuration below. */
const SECRET_FIELDS = [
  'gateway: admin.token',
  'gateway: control.etcd.auth.password',
  'gateway: observability.traces.otlp.headers.*',
  'basic-auth: users[].password',
  'hmac-auth: keys[].secret',
  'jwt: cache.redis.secret',
  'jwt: keys.secret',
  'key-auth: keys[].key',
]

const SCRYPT = `scrypt:16384:8:1:${Buffer.from(SECRET).toString('base64url')}:${Buffer.from(SECRET.repeat(2)).toString('base64url').slice(0, 86)}`

const configuration = (etcd: string): string =>
  `version: 1
control: { etcd: { hosts: ['${etcd}'], prefix: /sluice/edge, auth: { username: root, password: ${SECRET} } } }
listeners: [{ name: main, bind: '127.0.0.1:0' }]
admin: { bind: '127.0.0.1:0', token: ${TOKEN} }
observability: { traces: { otlp: { url: 'http://127.0.0.1:9/v1?token=${SECRET}', headers: { authorization: 'Bearer ${SECRET}' } } } }
pluginDirectories: [./own]
plugins:
  vault: { address: 'https://user:${SECRET}@vault.example/?token=${SECRET}', password: ${SECRET}, word: ${SECRET} }
paths:
  /paths/**:
    key-auth: { keys: [{ key: ${SECRET}-paths, consumer: a, claims: { token: ${SECRET} } }] }
upstreams:
  u:
    endpoints: [{ url: 'http://127.0.0.1:9' }]
    fallback: { respond: { headers: { set-cookie: 'session=${SECRET}' } } }
routes:
  - name: basic
    match: { path: /basic }
    upstream: u
    plugins:
      basic-auth: { users: [{ name: ada, password: 'SCRYPT' }] }
  - name: key
    match: { path: /key, headers: { x-api-key: ${SECRET}, authorization: { regex: 'Bearer ${SECRET}' } }, query: { token: ${SECRET} } }
    respond: { headers: { x-auth-token: ${SECRET} } }
    plugins:
      key-auth: { keys: [{ key: ${SECRET}, consumer: a }] }
      hmac-auth: { keys: [{ id: a, secret: ${SECRET}, consumer: a }] }
      headers: { request: { set: { Authorization: 'Bearer ${SECRET}', x-api-key: ${SECRET} } } }
  - name: jwt
    match: { path: /jwt }
    redirect: { to: 'https://user:${SECRET}@other.example/?access_token=${SECRET}' }
    plugins:
      jwt:
        algorithms: [HS256]
        keys: { secret: ${SECRET} }
        cache: { redis: { url: 'redis://user:${SECRET}@127.0.0.1:1/0', secret: ${SECRET} } }
  - { name: paths, match: { path: /paths/x }, respond: {} }
`.replace('SCRYPT', SCRYPT)

const VAULT = `import { definePlugin, NEXT, Secret, Type } from 'sluice/plugin'
export default definePlugin({
  name: 'vault',
  phase: 'access',
  schema: Type.Object({ address: Type.String(), password: Type.String(), word: Secret() }),
  compile: () => () => NEXT,
})
`

interface Node {
  readonly [SECRET_KEYWORD]?: boolean
  readonly anyOf?: readonly Node[]
  readonly properties?: Readonly<Record<string, Node>>
  readonly patternProperties?: Readonly<Record<string, Node>>
  readonly items?: Node
}

function secretFields(node: Node, path = ''): string[] {
  if (node[SECRET_KEYWORD] === true) return [path]
  const { anyOf = [], properties = {}, patternProperties = {}, items } = node
  const below = (name: string): string => (path === '' ? name : `${path}.${name}`)
  return [
    ...anyOf.flatMap((branch) => secretFields(branch, path)),
    ...Object.entries(properties).flatMap(([name, each]) => secretFields(each, below(name))),
    ...Object.values(patternProperties).flatMap((each) => secretFields(each, below('*'))),
    ...(items === undefined ? [] : secretFields(items, `${path}[]`)),
  ]
}

/** A log goes on for ten seconds unless it is told. */
function shortened(path: string): string {
  return path === '/admin/v1/latencies' ? `${path}?interval=100ms&intervals=1` : path
}

describe('secrets', () => {
  it('are all in this test', async () => {
    const schemas = [{ name: 'gateway', schema: GatewaySchema }, ...(await builtInPlugins())]
    const found = schemas.flatMap(({ name, schema }) => secretFields(schema as Node).map((path) => `${name}: ${path}`))
    assert.deepEqual(found.toSorted(), SECRET_FIELDS.toSorted())
  })

  it('are in no reply of the admin listener, and in no log', async (test) => {
    const etcd = await EtcdServer.start(test)
    await etcd.call('auth/user/add', { name: 'root', password: SECRET })
    await etcd.call('auth/user/grant', { user: 'root', role: 'root' })
    await etcd.call('auth/enable', {})
    const gateway = await GatewayProcess.start(test, configuration(etcd.url), { files: { 'own/vault.ts': VAULT } })
    const client = await RawClient.connect(test, gateway.port('main'))
    for (const path of ['/basic', '/key', '/jwt', '/paths/x']) await client.get(path)
    const admin = new AdminClient(gateway, { token: TOKEN })
    const resources = (await admin.json('/admin/v1'))['resources'] as Json[]
    const paths = resources.filter(({ access }) => access !== 'debug').map(({ path }) => path as string)
    const questions = ['/basic', '/key?token=x', '/jwt', '/paths/x'].map(
      (path) => `/admin/v1/explain?url=${encodeURIComponent(path)}&header=x-api-key:x`,
    )
    const replies = await Promise.all(
      [...paths.map(shortened), '/admin/v1/config?format=yaml', ...questions].map((path) => admin.ask(path)),
    )
    const shown = replies.map(({ text }) => text).join('\n')
    assert.ok(shown.includes('"token":"***"') && shown.includes('https://***@vault.example/?token=***'))
    assert.ok(shown.includes('redis://***@127.0.0.1:1/0') && shown.includes('"password":"***"'))
    assert.ok(
      !shown.includes('nightingale'),
      shown.slice(shown.indexOf('nightingale') - 200, shown.indexOf('nightingale') + 50),
    )
    assert.ok(!shown.includes(SCRYPT.slice(-40)) && !shown.includes(SCRYPT.slice(17, 60)))
    assert.ok(!JSON.stringify(gateway.logs).includes('nightingale'))
    const run = promisify(execFile)
    for (const path of ['/basic', '/jwt', '/paths/x'])
      for (const form of [[], ['--json']]) {
        const { stdout } = await run(process.execPath, [CLI, 'explain', '-c', gateway.file, 'GET', path, ...form])
        assert.ok(!stdout.includes('nightingale'), stdout)
      }
  })
})
