import assert from 'node:assert/strict'
import type { RequestListener } from 'node:http'
import { describe, it, type TestContext } from 'node:test'
import { Signer } from '../../test/lab/tokens.ts'
import { refusingPort, startHttpUpstream } from '../../test/lab/upstreams.ts'
import { RemoteKeys } from './remote-keys.ts'

const [one, two] = [new Signer('ES256', 'one'), new Signer('ES256', 'two')]

const serve =
  (...signers: readonly Signer[]): RequestListener =>
  (_, response) =>
    void response.end(JSON.stringify({ keys: signers.map(({ jwk }) => jwk) }))

async function laboratory(test: TestContext, first: RequestListener, address?: string) {
  const host = { answer: first }
  const upstream = await startHttpUpstream(test, (request, response) => host.answer(request, response))
  const clock = { time: 0 }
  const logs: { level: string; text: string; fields: string }[] = []
  const log = (level: string) => (fields: object, text: string) =>
    void logs.push({ level, text, fields: JSON.stringify(fields) })
  const keys = new RemoteKeys(
    { url: address ?? `${upstream.url}/keys?secret=hidden`, refresh: 60_000, timeout: 2000 },
    { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') },
    () => clock.time,
  )
  test.after(() => keys.close())
  const has = (id: string): boolean => keys.candidates('ES256', id).length > 0
  return { keys, host, clock, logs, has, fetches: () => upstream.seen.length }
}

describe('keys of a JWKS host', () => {
  it('are fetched at the start, and again when they are due', async (test) => {
    const { keys, host, clock, has, fetches } = await laboratory(test, serve(one))
    await keys.start()
    assert.deepEqual([keys.available, keys.revision, has('one'), has('two')], [true, 1, true, false])
    host.answer = serve(two)
    clock.time = 59_999
    await keys.tick()
    assert.equal(fetches(), 1)
    clock.time = 60_000
    await keys.tick()
    assert.deepEqual([fetches(), keys.revision, has('one'), has('two')], [2, 2, false, true])
  })

  it('are the same keys in another order: nothing has changed', async (test) => {
    const { keys, host, clock } = await laboratory(test, serve(one, two))
    await keys.start()
    host.answer = serve(two, one)
    clock.time = 60_000
    await keys.tick()
    assert.equal(keys.revision, 1)
  })

  it('of a host that is away come later; it is asked every 5 s and reported once', async (test) => {
    const { keys, host, clock, has, logs, fetches } = await laboratory(test, (request) => request.socket.destroy())
    await keys.start()
    assert.equal(keys.available, false)
    for (clock.time = 1000; clock.time <= 16_000; clock.time += 1000) await keys.tick()
    assert.equal(fetches(), 4)
    host.answer = serve(one)
    clock.time = 21_000
    await keys.tick()
    assert.deepEqual([keys.available, has('one')], [true, true])
    assert.deepEqual(
      logs.map(({ level }) => level),
      ['error', 'info'],
    )
    assert.ok(logs.every(({ fields }) => !fields.includes('hidden')))
  })

  it('stay when the host fails later, however it does', async (test) => {
    const { keys, host, clock, has } = await laboratory(test, serve(one))
    await keys.start()
    const failures: RequestListener[] = [
      (request) => request.socket.destroy(),
      (_, response) => void response.writeHead(500).end(JSON.stringify({ keys: [] })),
      (_, response) => void response.writeHead(302, { location: '/elsewhere' }).end(),
      (_, response) => void response.end('no JSON'),
      (_, response) => void response.end('{"keys":{}}'),
      (_, response) => void response.end('null'),
      (_, response) => void response.end(JSON.stringify({ keys: Array.from({ length: 101 }, () => two.jwk) })),
      (_, response) => void response.end(`{"keys":[],"x":"${'x'.repeat(1_100_000)}"}`),
      (_, response) => void response.writeHead(200, { 'content-length': '100' }).write('{"keys":'),
    ]
    for (const failure of failures) {
      host.answer = failure
      clock.time += 60_000
      await keys.tick()
      assert.deepEqual([keys.revision, has('one')], [1, true])
    }
  })

  it('of a port where nobody listens: no start fails', async (test) => {
    const { keys, logs } = await laboratory(test, serve(), `http://127.0.0.1:${await refusingPort()}/`)
    await keys.start()
    assert.deepEqual([keys.available, logs.length], [false, 1])
  })

  it('that cannot be used are passed over; secrets are never taken from a host', async (test) => {
    const odd = [
      { ...two.jwk, use: 'enc' },
      { ...two.jwk, key_ops: ['sign'] },
      { kty: 'oct', k: 'A'.repeat(64), kid: 'two' },
      { kty: 'new', kid: 'two' },
      { ...two.jwk, x: 'AAAA' },
      { ...two.jwk, kid: 2 },
      null,
      'two',
    ]
    const { keys, has } = await laboratory(
      test,
      (_, response) => void response.end(JSON.stringify({ keys: [...odd, one.jwk] })),
    )
    await keys.start()
    assert.deepEqual([has('one'), has('two'), keys.candidates('HS256', 'two').length], [true, false, 0])
  })

  it('are asked for once per 10 s on behalf of unknown keys, whatever comes', async (test) => {
    const { keys, host, clock, has, fetches } = await laboratory(test, serve(one))
    await keys.start()
    host.answer = serve(one, two)
    const asked = Array.from({ length: 1000 }, () => keys.askAgain())
    assert.equal(new Set(asked).size, 1)
    await asked[0]
    assert.deepEqual([fetches(), has('two')], [2, true])
    clock.time = 9999
    assert.equal(keys.askAgain(), null)
    clock.time = 10_000
    await keys.askAgain()
    assert.equal(fetches(), 3)
  })
})
