import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Heartbeat, KILL_AFTER, LOOK, UNRESPONSIVE_AFTER } from './heartbeat.ts'
import { RestartDelay } from './restart-delay.ts'

describe('the heartbeat of a worker', () => {
  it('asks again only after an answer', () => {
    let asked = 0
    const heartbeat = new Heartbeat(() => asked++, 0)
    assert.equal(heartbeat.look(1000), 'fine')
    assert.equal(heartbeat.look(2000), 'fine')
    assert.equal(asked, 1)
    heartbeat.answered()
    assert.equal(heartbeat.look(3000), 'fine')
    assert.equal(asked, 2)
  })

  it('tells of a worker that does not answer, first that it hangs and then that it is to go', () => {
    const heartbeat = new Heartbeat(() => {}, 0)
    const seen = new Map<string, number>()
    for (let now = LOOK; now <= 40_000; now += LOOK) {
      const pulse = heartbeat.look(now)
      if (!seen.has(pulse)) seen.set(pulse, now)
    }
    assert.equal(seen.get('unresponsive'), LOOK + UNRESPONSIVE_AFTER)
    assert.equal(seen.get('dead'), LOOK + KILL_AFTER)
  })

  it('blames nobody for the time when this process itself stood still', () => {
    const heartbeat = new Heartbeat(() => {}, 0)
    heartbeat.look(1000)
    assert.equal(heartbeat.look(100_000), 'fine')
    assert.equal(heartbeat.look(101_000), 'fine')
    heartbeat.answered()
    assert.equal(heartbeat.look(102_000), 'fine')
  })
})

describe('the pause before a restart', () => {
  it('is none at first, grows up to ten seconds, and is none again after a minute of service', () => {
    const delay = new RestartDelay()
    const pauses = Array.from({ length: 12 }, () => delay.next(0))
    assert.equal(pauses[0], 0)
    assert.ok(pauses[1]! >= 50 && pauses[1]! <= 100)
    assert.ok(pauses[4]! >= 400 && pauses[4]! <= 800)
    assert.ok(pauses[11]! >= 5000 && pauses[11]! <= 10_000)
    assert.equal(delay.next(60_000), 0)
    assert.ok(delay.next(59_999) > 0)
  })
})
