import assert from 'node:assert/strict'
import { Session } from 'node:inspector/promises'
import { describe, it } from 'node:test'
import { queryObjects } from 'node:v8'
import { allocationProfile, cpuProfile } from './profiles.ts'

type Nodes = { readonly nodes?: readonly { readonly callFrame: { readonly functionName: string } }[] }

function busyForAWhile(): number {
  let sum = 0
  for (const end = performance.now() + 50; performance.now() < end;) sum += Math.sqrt(sum + 1)
  return sum
}

function held() {
  return {
    sessions: queryObjects(Session),
    listeners: process.eventNames().length,
    timers: process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length,
  }
}

describe('profiles', () => {
  it('tell who was busy', async () => {
    const asked = cpuProfile(200, new AbortController().signal)
    setTimeout(busyForAWhile, 20)
    const { nodes = [] } = (await asked) as Nodes
    assert.ok(nodes.some(({ callFrame }) => callFrame.functionName === 'busyForAWhile'))
  })

  it('tell who allocated', async () => {
    const profile = await allocationProfile(50, new AbortController().signal)
    assert.ok('head' in profile && 'samples' in profile)
  })

  it('leave nothing behind, whether they end or are aborted', async () => {
    const before = held()
    for (let i = 0; i < 20; i++) {
      const profile = i % 2 === 0 ? cpuProfile : allocationProfile
      const leaving = new AbortController()
      const asked = profile(i % 4 < 2 ? 5 : 60_000, leaving.signal)
      if (i % 4 < 2) await asked
      else {
        setImmediate(() => leaving.abort())
        await assert.rejects(asked, { name: 'AbortError' })
      }
    }
    await new Promise(setImmediate)
    assert.deepEqual(held(), before)
  })
})
