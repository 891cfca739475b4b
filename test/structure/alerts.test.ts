// Every alert is explained, tested, and asks only for metrics that there are. That the rules work is for promtool:
// test/e2e/prometheus.test.ts.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { promisedMetrics, seriesOf, strangers } from '../lab/metric-table.ts'
import { ROOT } from './sources.ts'

interface Rule {
  readonly alert?: string
  readonly record?: string
  readonly expr: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

interface RuleTests {
  readonly tests: readonly {
    readonly name: string
    readonly alert_rule_test: readonly { readonly alertname: string; readonly exp_alerts: readonly unknown[] }[]
  }[]
}

const text = (path: string): Promise<string> => readFile(new URL(path, ROOT), 'utf8')
const { groups } = parse(await text('config/observability/alerts.yaml')) as { groups: { rules: Rule[] }[] }
const rules = groups.flatMap((group) => group.rules)
const alerts = rules.filter(({ alert }) => alert !== undefined)

describe('the alerts', () => {
  it('each have a page in the runbook, which has no others', async () => {
    const headings = Array.from((await text('docs/alerts.md')).matchAll(/^### (\w+)$/gm), ([, name]) => name)
    assert.deepEqual(
      headings,
      alerts.map(({ alert }) => alert),
      'in the same order',
    )
    for (const { alert, annotations, labels } of alerts) {
      assert.deepEqual(Object.keys(annotations!), ['summary', 'description', 'runbook'], alert)
      assert.equal(annotations!['runbook'], `docs/alerts.md#${alert!.toLowerCase()}`)
      assert.ok(['page', 'ticket'].includes(labels!['severity']!), alert)
    }
  })

  it('tell in the runbook what they mean, what to look at and what to do', async () => {
    const parts = (await text('docs/alerts.md')).split(/^### \w+$/m).slice(1)
    for (const [i, part] of parts.entries())
      assert.match(part, /^\n\n\w[^]+\n- \*\*Look at\*\* [^]+\n- \*\*Do\*\* /, `${i}`)
  })

  it('each have a case in which they fire and one in which they do not', async () => {
    const files = await Promise.all(
      ['requests', 'process'].map((name) => text(`config/observability/${name}.test.yaml`)),
    )
    const tests = files.flatMap((file) => (parse(file) as RuleTests).tests)
    const cases = tests.flatMap(({ alert_rule_test: list }) => list)
    for (const { alert } of alerts) {
      const own = cases.filter(({ alertname }) => alertname === alert)
      assert.ok(
        own.some(({ exp_alerts: expected }) => expected.length > 0) && own.some((one) => one.exp_alerts.length === 0),
        alert,
      )
    }
    assert.equal(new Set(tests.map(({ name }) => name)).size, tests.length)
  })

  it('ask only for metrics and labels that docs/metrics.md promises', async () => {
    const series = seriesOf(await promisedMetrics())
    for (const { record } of rules) if (record !== undefined) series.set(record, ['job'])
    assert.deepEqual(
      rules.flatMap(({ expr }) => strangers(expr, series)),
      [],
    )
  })
})

describe('the search for unknown metrics', () => {
  it('finds names, parts and labels', () => {
    const series = seriesOf([{ name: 'sluice_a_seconds', type: 'histogram', labels: ['route'] }])
    assert.deepEqual(strangers('sum(rate(sluice_a_seconds_bucket{route="x",job=~"y"}[5m])) / up{job="a"}', series), [])
    assert.deepEqual(strangers('sluice_a_seconds{code="1"} + process_b > sluice:c:d', series), [
      'sluice_a_seconds is not in docs/metrics.md',
      'process_b is not in docs/metrics.md',
      'sluice:c:d is not in docs/metrics.md',
    ])
    assert.deepEqual(strangers('sluice_a_seconds_sum{code="1"}', series), ['sluice_a_seconds_sum has no label code'])
  })

  it('reads the table', async () => {
    const metrics = await promisedMetrics()
    assert.ok(metrics.length >= 45)
    assert.equal(new Set(metrics.map(({ name }) => name)).size, metrics.length)
    const requests = metrics.find(({ name }) => name === 'sluice_http_requests_total')
    assert.deepEqual(requests, {
      name: 'sluice_http_requests_total',
      type: 'counter',
      labels: ['route', 'method', 'code'],
    })
  })
})
