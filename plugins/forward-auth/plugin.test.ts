import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FAILED, NEXT } from '../../src/contract/plugin.ts'
import { instanceOf, requestOf } from '../../test/lab/plugin-exchange.ts'
import { startHttpUpstream } from '../../test/lab/upstreams.ts'
import plugin from './plugin.ts'
import { cacheKey, questionOf } from './question.ts'

const URL = 'http://127.0.0.1:1/check'

describe('forward-auth', () => {
  it('says who the consumer is when the service names one', async (test) => {
    const service = await startHttpUpstream(test, (request, response) => {
      response.setHeader('x-user', request.headers['x-forwarded-uri'] === '/anna' ? 'anna' : '').end()
    })
    const instance = instanceOf(plugin, { url: service.url, consumer: 'X-User' })
    test.after(() => instance.close())
    const x = requestOf({ target: '/anna' })
    assert.deepEqual([await instance.access!(x), x.consumer, x.hasHeader('x-user')], [NEXT, 'anna', false])
    const stranger = requestOf({ target: '/' })
    assert.deepEqual([await instance.access!(stranger), stranger.consumer, stranger.claims], [NEXT, '', null])
  })

  it('asks no more at once than it may', async (test) => {
    const waiting: (() => void)[] = []
    const service = await startHttpUpstream(test, (_, response) => waiting.push(() => response.end()))
    const instance = instanceOf(plugin, { url: service.url, concurrency: 1 })
    test.after(() => instance.close())
    const first = instance.access!(requestOf())
    const x = requestOf()
    assert.equal(await instance.access!(x), FAILED)
    assert.equal(x.failure!.kind.status, 503)
    await service.until(() => waiting.length === 1, 'the question')
    waiting[0]!()
    assert.equal(await first, NEXT)
  })

  it('refuses options that make no sense', () => {
    const wrong: (readonly [object, RegExp])[] = [
      [{ url: 'https://a/' }, /"https:\/\/a" is not an http/],
      [{ url: 'a' }, /not an http/],
      [{ url: 'http://u:SECRET@a/' }, /credentials/],
      [{ url: 'https://u:SECRET@a/' }, /not an http/],
      [{ url: 'http://u:SECRET@a b/' }, /not an http/],
      [{ url: 'http://a/#b' }, /fragment/],
      [{ url: URL, timeout: 9001 }, /timeout/],
      [{ url: URL, requestHeaders: ['a b'] }, /requestHeaders/],
      [{ url: URL, requestHeaders: ['Host'] }, /host/],
      [{ url: URL, responseHeaders: ['Transfer-Encoding'] }, /transfer-encoding/],
      [{ url: URL, responseHeaders: ['X-Forwarded-For'] }, /x-forwarded-for/],
    ]
    for (const [options, message] of wrong) {
      assert.throws(
        () => instanceOf(plugin, options),
        (error: Error) =>
          error instanceof TypeError && message.test(error.message) && !error.message.includes('SECRET'),
      )
    }
  })
})

describe('the question', () => {
  it('has the host with the port that the client named', () => {
    const question = questionOf(requestOf({ headers: ['host', 'test:8443'], scheme: 'https' }), [])!
    assert.equal(question[question.indexOf('x-forwarded-host') + 1], 'test:8443')
    assert.equal(question[question.indexOf('x-forwarded-proto') + 1], 'https')
  })

  it('is not asked with a field that is there twice', () => {
    assert.equal(questionOf(requestOf({ headers: ['a', '1', 'A', '1'] }), ['a']), null)
  })
})

describe('the key of a permission', () => {
  it('tells apart what differs', () => {
    const keys = [
      requestOf({ headers: ['a', '1'] }),
      requestOf({ headers: ['a', '2'] }),
      requestOf({ headers: ['a', ''] }),
      requestOf({ headers: ['b', '1'] }),
      requestOf({ headers: ['a', '1', 'b', '1'] }),
      requestOf({ headers: ['a', '1'], method: 'POST' }),
      requestOf({ headers: ['a', '1'], target: '/b' }),
      requestOf({ headers: ['a', '1'], target: '/?b' }),
      requestOf({ headers: ['a', '1'], host: 'other' }),
      requestOf({ headers: ['a', '1'], scheme: 'https' }),
    ].map((x) => cacheKey(x, ['a', 'b'], false))
    assert.equal(new Set(keys).size, keys.length)
    assert.ok(!keys.includes(''))
    const any = [requestOf({ headers: ['a', '1'] }), requestOf({ headers: ['a', '1'], target: '/b' })]
    assert.equal(new Set(any.map((x) => cacheKey(x, ['a'], true))).size, 1)
    assert.equal(cacheKey(requestOf(), ['a'], true), '')
  })
})
