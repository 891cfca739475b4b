import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { TimerWheel } from '../base/timer-wheel.ts'
import { definePlugin, Type } from '../contract/plugin.ts'
import { createLiveState } from '../live-state.ts'
import { Logs } from '../telemetry/logs.ts'
import { compile, InvalidConfiguration, start, validate } from './publish.ts'

const unwilling = definePlugin({
  name: 'unwilling',
  schema: Type.Object({ n: Type.Integer() }, { additionalProperties: false }),
  compile: ({ n }) => ({
    start() {
      if (n > 0) throw new Error(`no ${n} today`)
    },
  }),
})

describe('a plugin that does not start', () => {
  it('is told of every place that asks for it with these options, at once', async () => {
    const routes = [1, 1, 0, 2].map((n, i) => `  - { name: r${i}, respond: {}, plugins: { unwilling: { n: ${n} } } }\n`)
    const text = `version: 1\nlisteners: [{ name: main, bind: '127.0.0.1:0' }]\nroutes:\n${routes.join('')}`
    const validated = await validate(text, '/g.yaml', [unwilling])
    const live = createLiveState(validated.plugins, new TimerWheel(() => 0), new Logs())
    const snapshot = await compile(validated, 1, live, null)
    await assert.rejects(start(validated, snapshot), (error) => {
      assert.ok(error instanceof InvalidConfiguration)
      assert.deepEqual(error.problems.map(({ line, message }) => `${line} ${message}`).toSorted(), [
        '4 no 1 today',
        '5 no 1 today',
        '7 no 2 today',
      ])
      return true
    })
    snapshot.release()
    assert.equal(live.plugins.instances.size, 0)
  })
})
