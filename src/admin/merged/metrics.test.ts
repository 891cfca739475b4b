import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { exposition } from '../../telemetry/exposition.ts'
import { Metrics, type Series } from '../../telemetry/metrics.ts'
import { RequestMetrics } from '../../telemetry/request-metrics.ts'
import { ruleOf } from './metric-rules.ts'
import { Garbage, metricReport, readMetricReport } from './metric-report.ts'
import { MetricSums } from './metric-sums.ts'

/** What several processes tell, as one. */
async function together(several: readonly Metrics[], budget = 1000): Promise<MetricSums> {
  const all = new MetricSums(budget)
  for (const [i, metrics] of several.entries()) {
    const report = await readMetricReport(Buffer.from(await metricReport(metrics)))
    for (const { name, kind, help, sets } of report) {
      const rule = ruleOf(name, kind)
      for (const { labels, parts } of sets)
        all.family(name, kind, help, rule)!.add(rule === 'each' ? { ...labels, worker: String(i + 1) } : labels, parts)
    }
  }
  return all
}

function process(fill: (metrics: Metrics) => void): Metrics {
  const metrics = new Metrics()
  fill(metrics)
  return metrics
}

function lines(text: string, start: string): string[] {
  return text.split('\n').filter((line) => line.startsWith(start))
}

describe('metrics on their way', () => {
  it('arrive as they were', async () => {
    const metrics = process((own) => {
      own.counter('a_total', 'A "quoted"\nline', { path: '\\"\n', b: '' }).add(3)
      own.gauge('b', 'B').set(Number.POSITIVE_INFINITY)
      own.gauge('c', 'C').set(Number.NaN)
      const requests = new RequestMetrics(own)
      const route = requests.acquire('r')
      for (let i = 0; i < 100; i++) route.record(i % 2 === 0 ? 'GET' : 'POST', 200 + i, i, 1, 2)
      route.sampled('a'.repeat(32), 3, 1_700_000_000_000)
    })
    for (const format of ['text', 'openmetrics'] as const) {
      const text = await exposition(await together([metrics]), format)
      assert.equal(text, await exposition(metrics, format))
    }
  })

  it('are not taken when they are of another form', async () => {
    const head = '{"name":"a","help":"","kind":"gauge"}\n'
    const sets = ['[[]]', '[null]', '[[{},3]]', '[[{"a b":""},[]]]', '[[[],[]]]', '[[{},[["",["evil","1"],1,null]]]]']
    for (const text of [
      'x',
      '[]',
      '{}',
      'null',
      '{"name":"a","help":"","kind":"other"}',
      ...sets.map((set) => head + set),
    ])
      await assert.rejects(readMetricReport(Buffer.from(text)), Garbage, text)
  })
})

describe('metrics of several processes', () => {
  it('are joined by their rules', async () => {
    const one = (health: number, version: number, open: number, share: number): Metrics =>
      process((metrics) => {
        metrics.gauge('sluice_upstream_health', '', { upstream: 'u', endpoint: 'e' }).set(health)
        metrics.gauge('sluice_upstream_share', '', { upstream: 'u', endpoint: 'e' }).set(share)
        metrics.gauge('sluice_upstream_panic', '', { upstream: 'u' }).set(open)
        metrics.gauge('sluice_config_version', '').set(version)
        metrics.gauge('sluice_http_requests_in_flight', '').set(open)
        metrics.gauge('process_resident_memory_bytes', '').set(open)
        metrics.counter('c_total', '').add(5)
        metrics.collect('summary', 's', '', function* (): Iterable<Series> {
          // The first one knows no quantiles yet.
          if (share > 0) yield { labels: {}, own: { quantile: '0.5' }, value: share }
          yield { labels: {}, suffix: '_sum', value: 2 }
          yield { labels: {}, suffix: '_count', value: 3 }
        })
      })
    const text = await exposition(await together([one(1, 8, 0, 0), one(0, 7, 1, 0.5), one(1, 8, 2, 1)]))
    assert.deepEqual(
      text.split('\n').filter((line) => line !== '' && !line.startsWith('#')),
      [
        'sluice_upstream_health{upstream="u",endpoint="e"} 0',
        'sluice_upstream_share{upstream="u",endpoint="e"} 0.5',
        'sluice_upstream_panic{upstream="u"} 2',
        'sluice_config_version 7',
        'sluice_http_requests_in_flight 3',
        'process_resident_memory_bytes{worker="1"} 0',
        'process_resident_memory_bytes{worker="2"} 1',
        'process_resident_memory_bytes{worker="3"} 2',
        'c_total 15',
        's_sum 6',
        's_count 9',
        's{quantile="0.5"} 1',
      ],
    )
  })

  it('keep the latest exemplar of each bucket', async () => {
    const sampled = (trace: string, time: number): Metrics =>
      process((metrics) => {
        const route = new RequestMetrics(metrics).acquire('r')
        route.record('GET', 200, 3, 0, 0)
        if (trace !== '') route.sampled(trace, 3, time)
      })
    const text = await exposition(
      await together([sampled('old', 1000), sampled('new', 2000), sampled('', 0)]),
      'openmetrics',
    )
    assert.deepEqual(lines(text, 'sluice_http_request_duration_seconds_bucket{le="0.005"'), [
      'sluice_http_request_duration_seconds_bucket{le="0.005",route="r"} 3 # {trace_id="new"} 0.003 2',
    ])
  })

  it('keep to the budget, and say once what is beyond it', async () => {
    const many = (from: number): Metrics =>
      process((metrics) => {
        metrics.budget = 4
        const requests = new RequestMetrics(metrics)
        for (let i = from; i < from + 6; i++) requests.acquire(`r${i}`).record('GET', 200, 3, 0, 1)
      })
    const text = await exposition(await together([many(0), many(6)], 5))
    const values = lines(text, 'sluice_http_response_bytes_total').map((line) => Number(line.split(' ')[1]))
    assert.equal(values.length, 5)
    assert.equal(
      values.reduce((sum, value) => sum + value, 0),
      12,
    )
    const folded = lines(text, 'sluice_metrics_folded_series{metric="sluice_http_response_bytes_total"}')
    assert.equal(folded.length, 1)
  })

  it('of another kind under the same name are left out', async () => {
    const all = new MetricSums(10)
    assert.ok(all.family('a', 'gauge', '', 'sum') !== null)
    assert.equal(all.family('a', 'counter', '', 'sum'), null)
  })
})
