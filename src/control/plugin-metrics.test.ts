import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PluginMetrics } from '../contract/host.ts'
import { exposition } from '../telemetry/exposition.ts'
import { Metrics } from '../telemetry/metrics.ts'
import { pluginMetrics } from './plugin-metrics.ts'

/** What a plugin written in JavaScript may hand over. */
const ANYTHING = (thing: unknown): never => thing as never

function setup(): { metrics: Metrics; own: PluginMetrics; errors: object[] } {
  const metrics = new Metrics()
  const errors: object[] = []
  const ignore = (): void => {}
  const log = { debug: ignore, info: ignore, warn: ignore, error: (fields: object) => void errors.push(fields) }
  return { metrics, own: pluginMetrics(metrics, 'my-own', log, ignore), errors }
}

describe('metrics of a plugin', () => {
  it('have names and labels that Prometheus takes, or are refused', () => {
    const { own } = setup()
    for (const name of ['', 'a b', 'a{', 'a\nb 1', 'ä'])
      for (const make of ['counter', 'gauge'] as const)
        assert.throws(() => own[make](name, 'Help'), /letters, digits and _ only/, JSON.stringify(name))
    assert.throws(() => own.collect('a b', 'Help', () => []), TypeError)
    for (const label of ['', '1a', '__a', 'a-b', 'a="b",c'])
      assert.throws(() => own.counter('a', 'Help', { [label]: 'x' }), /label/, JSON.stringify(label))
    assert.throws(() => own.counter('a', 'Help', ANYTHING({ a: 1 })), /expected a string/)
  })

  it('that make no sense when they are read are left out, and the others told', async () => {
    const { metrics, own, errors } = setup()
    own.collect('fine', 'Fine', () => [{ labels: { a: 'x"\n' }, value: 7 }])
    own.collect('thrown', 'Thrown', () => {
      throw new Error('no')
    })
    own.collect('none', 'None', () => ANYTHING(undefined))
    own.collect('label', 'Label', () => [{ labels: { 'a b': 'x' }, value: 7 }])
    own.collect('text', 'Text', () => [{ labels: {}, value: ANYTHING('1\nevil 2') }])
    const text = await exposition(metrics)
    assert.equal(
      text,
      '# HELP sluice_plugin_my_own_fine Fine\n# TYPE sluice_plugin_my_own_fine gauge\nsluice_plugin_my_own_fine{a="x\\"\\n"} 7\n',
    )
    assert.equal(errors.length, 4)
  })
})
