import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Type } from 'typebox'
import { concealedConfig, concealedOptions, concealedText } from './concealed.ts'
import type { GatewayConfig } from './schema.ts'
import { Duration, formatUnit, parseUnit, Secret, type Unit } from './units.ts'

describe('units as text', () => {
  const cases: readonly [Unit, string][] = [
    ['duration', '0h'],
    ['duration', '250ms'],
    ['duration', '90s'],
    ['duration', '5m'],
    ['duration', '2h'],
    ['size', '512B'],
    ['size', '64KiB'],
    ['size', '10MiB'],
    ['share', '20%'],
    ['share', '0.5%'],
    ['share', '33.3%'],
    ['rate', '100/s'],
    ['rate', '7/m'],
  ]
  for (const [unit, text] of cases) {
    it(text, () => {
      const value = parseUnit(unit, text)
      assert.equal(parseUnit(unit, formatUnit(unit, value)), value)
      if (value > 0) assert.equal(formatUnit(unit, value), text)
    })
  }
})

describe('what is shown of a configuration', () => {
  it('has no secret of a schema, in whichever branch it says so', () => {
    const schema = Type.Object({
      wait: Duration(),
      keys: Type.Union([
        Type.Object({ file: Type.String() }),
        Type.Object({ key: Secret(), more: Type.Array(Secret()) }),
      ]),
    })
    assert.deepEqual(concealedOptions(schema, { wait: 500, keys: { key: 'canary', more: ['canary'] } }), {
      wait: 500,
      keys: { key: '***', more: ['***'] },
    })
    assert.deepEqual(concealedOptions(schema, { wait: 1, keys: { file: 'keys.json' } }), {
      wait: 1,
      keys: { file: 'keys.json' },
    })
  })

  it('has no value whose name gives it away, where the schema leaves names open', () => {
    const schema = Type.Object({ set: Type.Record(Type.String(), Type.Unknown()), cookie: Type.String() })
    const set = { Authorization: 'canary', 'X-Api-Key': ['canary'], 'x-env': 'gray', 'Set-Cookie': { regex: 'canary' } }
    assert.deepEqual(concealedOptions(schema, { set, cookie: 'session', unknownPassword: 5 }), {
      set: { Authorization: '***', 'X-Api-Key': ['***'], 'x-env': 'gray', 'Set-Cookie': { regex: '***' } },
      cookie: 'session',
      unknownPassword: '***',
    })
  })

  it('has no password that a plugin declares as plain text', () => {
    assert.deepEqual(concealedOptions(Type.Object({ password: Type.String() }), { password: 'canary' }), {
      password: '***',
    })
  })

  it('has no credentials of addresses', () => {
    assert.equal(concealedText('redis://user:can@ry@host:6379/0'), 'redis://***@host:6379/0')
    assert.equal(concealedText('https://h/x?a=1&access_token=canary&b=2#c'), 'https://h/x?a=1&access_token=***&b=2#c')
    assert.equal(concealedText('mail a@b'), 'mail a@b')
  })

  it('is written as its author would', () => {
    const config = {
      version: 1,
      listeners: [],
      admin: { bind: '127.0.0.1:1', token: 'canary-canary-canary' },
      drainTimeout: 30_000,
      plugins: { guard: { word: 'canary', wait: '5s' }, other: 'off' },
      paths: { '/a': { guard: { word: 'canary' } } },
      upstreams: { u: { endpoints: [{ url: 'http://h', weight: 1 }], retries: { budget: 0.2, bodyLimit: 65_536 } } },
      routes: [{ name: 'r', respond: {}, plugins: { guard: { word: 'canary' } } }],
    } as unknown as GatewayConfig
    const plugins = new Map([['guard', { schema: Type.Object({ word: Secret() }) }]])
    assert.deepEqual(concealedConfig(config, plugins), {
      ...config,
      admin: { bind: '127.0.0.1:1', token: '***' },
      drainTimeout: '30s',
      plugins: { guard: { word: '***', wait: '5s' }, other: 'off' },
      paths: { '/a': { guard: { word: '***' } } },
      upstreams: { u: { endpoints: [{ url: 'http://h', weight: 1 }], retries: { budget: '20%', bodyLimit: '64KiB' } } },
      routes: [{ name: 'r', respond: {}, plugins: { guard: { word: '***' } } }],
    })
  })
})
