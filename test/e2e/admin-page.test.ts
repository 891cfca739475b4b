// Every example of docs/admin.md works, and its reply has the members that the page shows: no more, no fewer.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { AdminClient, type Json } from '../lab/admin.ts'
import { GatewayProcess } from '../lab/gateway.ts'
import { RawClient } from '../lab/raw-client.ts'
import { startHttpUpstream } from '../lab/upstreams.ts'

const PAGE = new URL('../../docs/admin.md', import.meta.url)
const TOKEN = 'a-token-of-some-length'

/** A shell block with one curl command, and the reply that follows it, if there is one. */
const EXAMPLE = /```sh\ncurl ([^\n]*)\n```\n(?:\n```json\n([^]*?)```)?/g

const CONFIGURATION = (port: number): string => `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0' }]
admin: { bind: '127.0.0.1:0', token: ${TOKEN} }
drainTimeout: 100ms
plugins: { cors: { origins: ['https://a.example'] } }
paths: { '/api/users/0/**': { cors: off } }
upstreams: { users: { endpoints: [{ url: 'http://127.0.0.1:${port}' }] } }
routes: [{ name: users, match: { path: '/api/users/{id}', headers: { x-env: gray } }, upstream: users }]
`

/** Members that are shown are there, and those that are there are shown; of lists the first entry counts. */
function compare(shown: unknown, real: unknown, path: string): void {
  if (shown === null || real === null) return
  assert.equal(Array.isArray(real), Array.isArray(shown), path)
  assert.equal(typeof real, typeof shown, path)
  if (Array.isArray(shown) && Array.isArray(real)) {
    if (shown.length > 0 && real.length > 0) compare(shown[0], real[0], `${path}[]`)
  } else if (typeof shown === 'object' && typeof real === 'object') {
    // What a configuration has is up to its author.
    if (!/\.(?:config|options|parameters)$/.test(path))
      assert.deepEqual(Object.keys(real).toSorted(), Object.keys(shown).toSorted(), path)
    for (const [name, value] of Object.entries(shown))
      if (Object.hasOwn(real, name)) compare(value, (real as Json)[name], `${path}.${name}`)
  }
}

describe('docs/admin.md', () => {
  it('shows what the gateway answers', async (test) => {
    const page = await readFile(PAGE, 'utf8')
    const upstream = await startHttpUpstream(test, () => {})
    const gateway = await GatewayProcess.start(test, CONFIGURATION(upstream.port))
    const client = await RawClient.connect(test, gateway.port('main'))
    client.send('GET /api/users/42 HTTP/1.1\r\nHost: api.example.com\r\nX-Env: gray\r\n\r\n')
    await upstream.until(() => upstream.seen.length === 1, 'the request')
    const admin = new AdminClient(gateway, { token: TOKEN })
    const examples = [...page.matchAll(EXAMPLE)]
    assert.ok(examples.length >= 11)
    for (const [, command = '', reply] of examples) {
      assert.ok(command.includes('-H "Authorization: Bearer $SLUICE_ADMIN_TOKEN"'), command)
      const path = /http:\/\/127\.0\.0\.1:9901(\S*?)"?$/.exec(command)?.[1]
      assert.ok(path !== undefined, command)
      const { status, text } = await admin.ask(path)
      assert.equal(status, 200, command)
      if (reply !== undefined) compare(JSON.parse(reply), JSON.parse(text), path)
    }
  })

  it('names everything that there is', async (test) => {
    const page = await readFile(PAGE, 'utf8')
    const gateway = await GatewayProcess.start(test, CONFIGURATION(9))
    const { resources } = await new AdminClient(gateway, { token: TOKEN }).json('/admin/v1')
    for (const { path } of resources) assert.ok(page.includes(`\`${path}\``), path)
  })
})
