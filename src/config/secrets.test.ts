// What is wrong with a secret is told without the secret: these lines go to logs.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { InvalidConfiguration, validate } from '../control/publish.ts'
import { builtInPlugins } from '../live-state.ts'

const HEAD = "version: 1\nlisteners: [{ name: a, bind: '127.0.0.1:0' }]\nroutes: [{ name: r, respond: {} }]\n"

describe('secrets in a configuration', () => {
  for (const plugins of [
    '{ key-auth: { keys: [{ key: 48151623, consumer: a }] } }',
    '{ hmac-auth: { keys: [{ id: a, secret: 48151623, consumer: a }] } }',
    '{ basic-auth: { users: [{ name: a, password: 48151623 }] } }',
    '{ jwt: { algorithms: [HS256], keys: { secret: 48151623 } } }',
    "{ jwt: { algorithms: [HS256], keys: { secret: x }, cache: { redis: { url: 'redis://h', secret: '48151623' } } } }",
  ]) {
    it(`are not shown: ${plugins.slice(2, 20)}`, async () => {
      const error: unknown = await validate(`${HEAD}plugins: ${plugins}\n`, 'g.yaml', await builtInPlugins()).then(
        () => assert.fail('it is accepted'),
        (reason: unknown) => reason,
      )
      assert.ok(error instanceof InvalidConfiguration)
      assert.ok(error.problems.length > 0)
      for (const { message } of error.problems) assert.ok(!message.includes('48151623'), message)
    })
  }
})
