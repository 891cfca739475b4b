import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { TimerWheel } from '../base/timer-wheel.ts'
import { Exchange } from '../contract/exchange.ts'
import type { ListenerContext, Road } from '../contract/road.ts'
import type { Route, Snapshot } from '../contract/snapshot.ts'
import { pin, unpin } from '../road/pin.ts'
import type { RoadState } from '../road/state.ts'
import type { ExchangeReport } from './exchanges.ts'
import { exchanges } from './exchanges.ts'
import { Query } from './query.ts'
import type { AdminCall } from './resource.ts'
import type { AdminState } from './state.ts'

interface Reply {
  readonly inFlight: number
  readonly complete: boolean
  readonly exchanges: readonly ExchangeReport[]
}

function laboratory() {
  const listener = { active: 0 } as unknown as ListenerContext
  const route = { name: '', chain: new Exchange({} as Road, listener).chain } as Route
  const current = { unmatched: route, pins: 0, retired: false } as unknown as Snapshot
  const state = { current, inFlight: 0, newest: null, oldest: null, wheel: new TimerWheel() } as unknown as RoadState
  let next = 0
  return {
    state,
    come: (routeName = ''): Exchange => {
      const x = new Exchange({} as Road, listener)
      pin(x, state)
      if (routeName !== '') x.route = { ...route, name: routeName }
      x.path = `/${next++}`
      return x
    },
    go: (x: Exchange) => {
      x.finished = true
      unpin(x, state)
    },
    ask: async (search: string): Promise<Reply> => {
      const call = { query: new Query(search), signal: new AbortController().signal } as AdminCall
      const { body } = await exchanges.handle(call, { underWay: state } as AdminState)
      return JSON.parse(body as string) as Reply
    },
    forward: (): Exchange[] => {
      const found: Exchange[] = []
      for (let x = state.oldest; x !== null; x = x.newer) found.push(x)
      return found
    },
    backward: (): Exchange[] => {
      const found: Exchange[] = []
      for (let x = state.newest; x !== null; x = x.older) found.push(x)
      return found
    },
  }
}

describe('the list of requests under way', () => {
  it('is the same from both ends, whoever goes', () => {
    const { come, go, forward, backward, state } = laboratory()
    const all = Array.from({ length: 6 }, () => come())
    for (const gone of [2, 0, 5, 3, 1, 4]) {
      assert.deepEqual(
        forward().map(({ path }) => path),
        backward()
          .map(({ path }) => path)
          .toReversed(),
      )
      assert.equal(forward().length, state.inFlight)
      go(all[gone]!)
    }
    assert.deepEqual([state.oldest, state.newest, state.inFlight], [null, null, 0])
  })
})

describe('the walk over the requests under way', () => {
  it('finds the few among very many, and lets others run meanwhile', async () => {
    const { come, ask } = laboratory()
    for (let i = 0; i < 50_000; i++) come(i % 10_000 === 0 ? 'rare' : '')
    const walk = { done: false }
    const asked = ask('?route=rare&limit=1000').finally(() => (walk.done = true))
    let longest = 0
    for (let before = performance.now(); !walk.done; before = performance.now()) {
      await setImmediate()
      longest = Math.max(longest, performance.now() - before)
    }
    const { inFlight, complete, exchanges: found } = await asked
    assert.deepEqual([inFlight, complete], [50_000, true])
    assert.deepEqual(
      found.map(({ path }) => path),
      ['/0', '/10000', '/20000', '/30000', '/40000'],
    )
    assert.ok(longest < 500, `${longest} ms at a time`)
  })

  it('goes on when the one that it stands at is over, and the object another request', async () => {
    const { come, go, ask, forward } = laboratory()
    for (let i = 0; i < 20_000; i++) {
      if (i % 5000 === 0) await setImmediate() // another turn, another time
      come()
    }
    await setImmediate()
    for (let i = 0; i < 5; i++) come('kept')
    const walk = { done: false }
    const asked = ask('?route=kept').finally(() => (walk.done = true))
    while (!walk.done) {
      for (const x of forward()) if (x.routeName !== 'kept' && Math.random() < 0.5) go(x)
      come()
      await setImmediate()
    }
    assert.equal((await asked).exchanges.length, 5)
  })

  it('gives up on a list that is never done', async () => {
    const { state, come, ask } = laboratory()
    const x = come()
    const y = come()
    // A list that goes round, as no real one does.
    y.newer = x
    state.oldest = x
    assert.equal((await ask('?route=none')).complete, false)
  })
})
