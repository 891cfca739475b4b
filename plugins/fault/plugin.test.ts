import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FAILED, NEXT } from '../../src/contract/plugin.ts'
import { instanceOf, requestOf } from '../../test/lab/plugin-exchange.ts'
import { Delays, goOn } from './delays.ts'
import plugin from './plugin.ts'

describe('fault', () => {
  it('lets requests fail with the status that is wanted', () => {
    for (const [abort, status] of [
      [{}, 503],
      [{ status: 418 }, 418],
      [{ status: 599, share: '100%' }, 599],
    ] as const) {
      const x = requestOf()
      assert.equal(instanceOf(plugin, { abort }).request!(x), FAILED)
      assert.deepEqual([x.failure!.kind.status, x.errorCode], [status, 'SLUICE_PLUGIN_FAULT'])
    }
  })

  it('takes a share of them', () => {
    const { request } = instanceOf(plugin, { abort: { share: '30%' } })
    let failed = 0
    for (let i = 0; i < 2000; i++) if (request!(requestOf()) === FAILED) failed++
    assert.ok(failed > 450 && failed < 750, `${failed}`)
    const none = instanceOf(plugin, { abort: { share: '0%' }, delay: { share: '0%', time: 1000 } })
    for (let i = 0; i < 2000; i++) assert.equal(none.request!(requestOf()), NEXT)
  })

  it('acts only where its header is, if it has one', () => {
    const { request } = instanceOf(plugin, { abort: {}, header: 'X-Chaos' })
    assert.equal(request!(requestOf()), NEXT)
    assert.equal(request!(requestOf({ headers: ['x-chaos', ''] })), FAILED)
  })

  it('delays, and then lets pass or fail', async () => {
    const passed = instanceOf(plugin, { delay: { time: 1 } }).request!(requestOf())
    assert.ok(passed instanceof Promise)
    assert.equal(await passed, NEXT)
    assert.equal(await instanceOf(plugin, { delay: { time: 1 }, abort: {} }).request!(requestOf()), FAILED)
  })

  it('lets everything go on when it stops', async () => {
    const instance = instanceOf(plugin, { delay: { time: 9000 } })
    const waiting = [1, 2, 3].map(async () => instance.request!(requestOf()))
    await instance.close()
    assert.deepEqual(await Promise.all(waiting), [NEXT, NEXT, NEXT])
    assert.equal(await instance.request!(requestOf()), NEXT)
  })

  it('leaves no timer behind', async () => {
    const stop = new AbortController()
    const delays = new Delays(stop.signal)
    const [short, long] = [delays.wait(1, goOn), delays.wait(3_600_000, goOn)]
    await short
    assert.equal(delays.size, 1)
    stop.abort()
    await long
    assert.equal(delays.size, 0)
  })

  it('refuses options that make no sense', () => {
    const wrong: (readonly [object, RegExp])[] = [
      [{}, /no fault/],
      [{ delay: { time: 9001 } }, /9s/],
      [{ abort: { share: '1000%' } }, /not a share/],
      [{ abort: {}, header: 'a b' }, /header name/],
    ]
    for (const [options, message] of wrong) {
      assert.throws(
        () => instanceOf(plugin, options),
        (error: Error) => error instanceof TypeError && message.test(error.message),
      )
    }
  })
})
