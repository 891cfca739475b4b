// Access rules behind an authentication plugin, over real connections, on both engines.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ENGINES, GatewayProcess } from '../lab/gateway.ts'
import { RawClient } from '../lab/raw-client.ts'

for (const engine of ENGINES) {
  describe(`acl on ${engine}`, () => {
    it('judges consumers, scopes and addresses', async (test) => {
      const gateway = await GatewayProcess.start(
        test,
        `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${engine} }]
plugins:
  key-auth:
    keys:
      - { key: anna-key, consumer: anna, claims: { scope: read write } }
      - { key: bert-key, consumer: bert, claims: { scope: read } }
paths:
  /write: { acl: { allow: [{ scope: write }] } }
  /bert: { acl: { allow: [{ consumer: bert }], deny: [{ cidr: 127.0.0.2 }] } }
  /open: { key-auth: off, acl: { allow: [{ cidr: 127.0.0.2 }, { consumer: '*' }] } }
  /near: { key-auth: off, acl: { allow: [{ cidr: 127.0.0.2/32 }] } }
routes: [{ name: all, respond: {} }]
`,
      )
      const first = await RawClient.connect(test, gateway.port('main'))
      const second = await RawClient.connect(test, gateway.port('main'), '127.0.0.2')
      for (const [client, target, key, status] of [
        [first, '/write', 'anna-key', 200],
        [first, '/write', 'bert-key', 403],
        [first, '/write', '', 401],
        [first, '/bert', 'bert-key', 200],
        [second, '/bert', 'bert-key', 403],
        [first, '/bert', 'anna-key', 403],
        [first, '/open', '', 401],
        [second, '/open', '', 200],
        [first, '/near', '', 403],
        [second, '/near', '', 200],
      ] as const) {
        const reply = await client.get(target, `X-Api-Key: ${key}\r\n`)
        assert.equal(reply.status, status, `${target} with ${key}`)
        if (status === 403) assert.match(reply.body.toString(), /SLUICE_AUTH_FORBIDDEN/)
        if (status === 401) assert.notEqual(reply.header('www-authenticate'), '')
      }
    })
  })
}
