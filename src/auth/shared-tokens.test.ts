// Two verifiers, as in two gateways, on one real Redis.
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { RedisServer } from '../../test/lab/redis.ts'
import { secretKey } from './key.ts'
import { SharedTokens } from './shared-tokens.ts'

const SECRET = 'a secret that all gateways have in common'
const silent = { debug() {}, info() {}, warn() {}, error() {} }
const keys = [secretKey('0123456789abcdef0123456789abcdef', ['HS256'])]
const otherKeys = [secretKey('fedcba9876543210fedcba9876543210', ['HS256'])]

async function open(test: TestContext, redis: RedisServer, secret = SECRET): Promise<SharedTokens> {
  const tokens = new SharedTokens({ url: redis.url, secret }, silent)
  test.after(() => tokens.close())
  await tokens.start()
  return tokens
}

/** Nobody waits for what is remembered: this does. */
async function known(tokens: SharedTokens, token: string): Promise<void> {
  const end = performance.now() + 15_000
  while (!(await tokens.knows(token, 'HS256', keys))) {
    assert.ok(performance.now() < end, 'it was never known')
    await new Promise((resolve) => setImmediate(resolve))
  }
}

describe('shared tokens', () => {
  it('are known to who has the secret, for the same algorithm and keys', async (test) => {
    const redis = await RedisServer.start(test)
    const one = await open(test, redis)
    const other = await open(test, redis)
    const stranger = await open(test, redis, 'a secret that somebody else has got')
    assert.equal(await other.knows('a.b.c', 'HS256', keys), false)
    one.remember('a.b.c', 'HS256', keys, 60_000)
    await known(other, 'a.b.c')
    assert.equal(await other.knows('a.b.d', 'HS256', keys), false)
    assert.equal(await other.knows('a.b.c', 'HS384', keys), false)
    assert.equal(await other.knows('a.b.c', 'HS256', otherKeys), false)
    assert.equal(await stranger.knows('a.b.c', 'HS256', keys), false)
    const names = (await redis.command('KEYS', '*')) as string[]
    assert.ok(names.length === 1 && !names[0]!.includes('a.b.c'))
    assert.ok(Number(await redis.command('PTTL', names[0]!)) <= 60_000)
  })

  it('are unknown while Redis is away, and known again when it is back', async (test) => {
    const redis = await RedisServer.start(test)
    const tokens = await open(test, redis)
    tokens.remember('a.b.c', 'HS256', keys, 60_000)
    await known(tokens, 'a.b.c')
    redis.freeze()
    assert.equal(await tokens.knows('a.b.c', 'HS256', keys), false)
    assert.equal(await tokens.knows('a.b.c', 'HS256', keys), false)
    redis.thaw()
    await known(tokens, 'a.b.c')
  })

  it('does not keep what has no time left', async (test) => {
    const redis = await RedisServer.start(test)
    const tokens = await open(test, redis)
    tokens.remember('a.b.c', 'HS256', keys, 0)
    tokens.remember('d.e.f', 'HS256', keys, 60_000)
    await known(tokens, 'd.e.f')
    assert.equal(await tokens.knows('a.b.c', 'HS256', keys), false)
  })
})
