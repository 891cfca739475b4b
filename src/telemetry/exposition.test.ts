import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkMetrics } from '../../test/lab/prometheus.ts'
import { BOUNDS } from './durations.ts'
import { exposition, formatFor } from './exposition.ts'
import { Metrics, type Series } from './metrics.ts'
import { RequestMetrics } from './request-metrics.ts'
import { Scrapes } from './scrapes.ts'

function lines(text: string, start: string): string[] {
  return text.split('\n').filter((line) => line.startsWith(start))
}

function restOf(iterator: Iterator<Series>): Series[] {
  return [...{ [Symbol.iterator]: () => iterator }]
}

describe('exposition', () => {
  it('is written as Prometheus reads it', async () => {
    const metrics = new Metrics()
    metrics.counter('a_total', 'Counts\nA', { path: 'C:\\"x"\n' }).add()
    metrics.gauge('b', 'B').set(0.5)
    metrics.gauge('c', 'C').set(Number.NaN)
    const text = await exposition(metrics)
    assert.equal(
      text,
      '# HELP a_total Counts\\nA\n# TYPE a_total counter\na_total{path="C:\\\\\\"x\\"\\n"} 1\n# HELP b B\n# TYPE b gauge\nb 0.5\n',
    )
    assert.equal(await checkMetrics(text), '')
  })

  it('names counters as OpenMetrics wants, and ends', async () => {
    const metrics = new Metrics()
    metrics.counter('a_total', 'A').add(3)
    assert.equal(await exposition(metrics, 'openmetrics'), '# HELP a A\n# TYPE a counter\na_total 3\n# EOF\n')
    assert.equal(formatFor('application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.3'), 'openmetrics')
    assert.equal(formatFor('*/*'), 'text')
  })

  it('shows exemplars where the format has room for them', async () => {
    const metrics = new Metrics()
    const requests = new RequestMetrics(metrics)
    const route = requests.acquire('r')
    route.record('GET', 200, 3, 0, 0)
    route.sampled('a'.repeat(32), 3, 1_700_000_000_000)
    const text = await exposition(metrics, 'openmetrics')
    assert.deepEqual(
      lines(text, 'sluice_http_request_duration_seconds_bucket').filter((line) => line.includes('#')),
      [
        `sluice_http_request_duration_seconds_bucket{le="0.005",route="r"} 1 # {trace_id="${'a'.repeat(32)}"} 0.003 1700000000`,
      ],
    )
    assert.doesNotMatch(await exposition(metrics), /trace_id/)
  })

  it('folds label sets beyond the budget into one, and says so', async () => {
    const metrics = new Metrics()
    metrics.budget = 3
    const requests = new RequestMetrics(metrics)
    for (let i = 0; i < 10; i++) requests.acquire(`r${i}`).record('GET', 200, 3, 0, i)
    const text = await exposition(metrics)
    assert.deepEqual(lines(text, 'sluice_http_requests_total'), [
      'sluice_http_requests_total{route="r0",method="GET",code="200"} 1',
      'sluice_http_requests_total{route="r1",method="GET",code="200"} 1',
      'sluice_http_requests_total{route="r2",method="GET",code="200"} 1',
      'sluice_http_requests_total{route="other",method="other",code="other"} 7',
    ])
    assert.ok(text.includes('sluice_http_response_bytes_total{route="other"} 42\n'))
    assert.ok(text.includes('sluice_http_request_duration_seconds_bucket{le="0.005",route="other"} 7\n'))
    assert.ok(text.includes('sluice_http_request_duration_seconds_bucket{le="0.0025",route="other"} 0\n'))
    assert.ok(text.includes('sluice_metrics_folded_series{metric="sluice_http_requests_total"} 7\n'))
    assert.equal(await checkMetrics(text), '')
  })

  it('tells no label set twice when a route has the name of what is folded', async () => {
    const metrics = new Metrics()
    metrics.budget = 2
    const requests = new RequestMetrics(metrics)
    for (const name of ['other', 'r1', 'r2', 'r3']) requests.acquire(name).record('GET', 200, 3, 0, 10)
    const text = await exposition(metrics)
    assert.deepEqual(lines(text, 'sluice_http_response_bytes_total'), [
      'sluice_http_response_bytes_total{route="r1"} 10',
      'sluice_http_response_bytes_total{route="other"} 30',
    ])
    assert.equal(await checkMetrics(text), '')
  })

  it('gives the event loop back again and again with a thousand routes', async () => {
    const metrics = new Metrics()
    const requests = new RequestMetrics(metrics)
    for (let i = 0; i < 1000; i++) {
      const route = requests.acquire(`route-${i}`)
      for (let j = 0; j < 50; j++) route.record('GET', j % 5 === 0 ? 404 : 200, j * 7.3, 0, 1000)
    }
    let turns = 0
    const count = (): void => void (turns++, (immediate = setImmediate(count)))
    let immediate = setImmediate(count)
    const text = await exposition(metrics)
    clearImmediate(immediate)
    assert.equal(lines(text, 'sluice_http_requests_total').length, 2000)
    assert.equal(lines(text, 'sluice_http_request_duration_seconds_').length, 1000 * (BOUNDS.length + 3))
    // One turn for each two milliseconds of work; on the fastest machine it takes ten.
    assert.ok(turns >= 5, `${turns} turns`)
    assert.equal(await checkMetrics(text), '')
  })

  it('has one series under `other`, wherever it stands and whatever a route is called', async () => {
    const metrics = new Metrics()
    metrics.budget = 3
    const requests = new RequestMetrics(metrics)
    requests.acquire('other').record('GET', 200, 3, 0, 1)
    for (let i = 0; i < 5; i++) requests.acquire(`r${i}`).record('GET', 200, 3, 0, 1)
    metrics.budget = 2
    for (let i = 0; i < 4; i++) metrics.counter('c_total', 'C', { i: String(i) }).add()
    metrics.budget = 5
    for (let i = 4; i < 9; i++) metrics.counter('c_total', 'C', { i: String(i) }).add()
    metrics.budget = 3
    const text = await exposition(metrics)
    assert.deepEqual(lines(text, 'sluice_http_response_bytes_total{route="other"}'), [
      'sluice_http_response_bytes_total{route="other"} 4',
    ])
    assert.equal(lines(text, 'sluice_http_request_duration_seconds_bucket{le="0.005",route="other"}').length, 1)
    assert.deepEqual(lines(text, 'c_total{i="other"}'), ['c_total{i="other"} 7'])
  })

  it('gives the event loop back while it adds up what is beyond the budget', async () => {
    const metrics = new Metrics()
    metrics.budget = 100
    const requests = new RequestMetrics(metrics)
    for (let i = 0; i < 1000; i++) {
      const route = requests.acquire(`route-${i}`)
      for (let j = 0; j < 60; j++) route.record('GET', 200 + j, 1, 0, 0)
    }
    let asked = 0
    let longest = 0
    let since = 0
    // The series of this family are asked for without a turn of the loop between them, or with some.
    const turn = (): void => {
      longest = Math.max(longest, asked - since)
      since = asked
      immediate = setImmediate(turn)
    }
    let immediate = setImmediate(turn)
    metrics.collect('counter', 'many_total', 'Many', function* () {
      for (; asked < 500_000; asked++) yield { labels: { i: 'x' }, value: 1 }
    })
    const text = await exposition(metrics)
    clearImmediate(immediate)
    assert.deepEqual(lines(text, 'many_total{i="other"}'), [`many_total{i="other"} ${500_000 - 100}`])
    assert.ok(longest < 250_000, `${longest} series in one turn`)
  })

  it('tells histograms and counters of one moment, whatever is counted while it is made', () => {
    const metrics = new Metrics()
    const requests = new RequestMetrics(metrics)
    const route = requests.acquire('r')
    for (let status = 200; status < 208; status++) route.record('GET', status, 3, 0, 0)
    const [pairs, durations] = [...metrics.families()].slice(0, 2).map(({ series }) => series[Symbol.iterator]())
    const first = pairs!.next().value!
    durations!.next()
    // More pairs than there is room for: their table grows.
    for (let status = 300; status < 340; status++) route.record('GET', status, 3, 0, 0)
    const rest = restOf(pairs!)
    assert.deepEqual(new Set([first, ...rest].map(({ value }) => value)), new Set([1]))
    const parts = restOf(durations!)
    const infinite = parts.find(({ own }) => own?.['le'] === '+Inf')!
    assert.deepEqual(
      [infinite.value, ...parts.filter(({ suffix }) => suffix === '_count').map(({ value }) => value)],
      [8, 8],
    )
    assert.equal(parts.find(({ suffix }) => suffix === '_sum')!.value, 0.024)
  })

  it('is made once for all who ask at the same time', async () => {
    const metrics = new Metrics()
    let asked = 0
    metrics.collect('gauge', 'asked', 'Asked', () => [{ labels: {}, value: ++asked }])
    const scrapes = new Scrapes(metrics)
    const texts = await Promise.all(Array.from({ length: 100 }, () => scrapes.read('text')))
    assert.deepEqual([...new Set(texts.map(String))], ['# HELP asked Asked\n# TYPE asked gauge\nasked 1\n'])
    assert.match(String(await scrapes.read('text')), /^asked 2$/m)
  })
})
