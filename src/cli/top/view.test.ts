import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { endpointReport, statsReport, trafficStats, upstreamReport } from '../../../test/lab/admin-reports.ts'
import { Counters, Figures } from '../../admin/dashboard/figures.js'
import { fit, harmless, widthOf } from './cells.ts'
import { keysOf, press } from './keys.ts'
import { endpointRows } from './tables.ts'
import { render, type View } from './view.ts'

const NAMES = ['users', 'orders', 'evil\x1b[2J\u202e\nname', '漢字の道']

function view(more: Partial<View> = {}): View {
  const figures = new Figures()
  const routes = (factor: number) => NAMES.map((name, i) => ({ name, ...trafficStats(factor * 100 * (i + 1)) }))
  figures.read(statsReport({ uptime: 1_000, routes: routes(1), requests: { ...trafficStats(0), inFlight: 0 } }))
  const requests = { ...trafficStats(5_000, { serverErrors: 7 }), inFlight: 12 }
  const reading = figures.read(statsReport({ uptime: 2_000, routes: routes(2), requests }))
  const upstreams = [
    upstreamReport({
      panic: true,
      endpoints: [
        endpointReport({ latency: { count: 5, p50: 1, p90: 2, p99: 7.5, p999: 9, max: 9 } }),
        endpointReport({ url: 'http://10.0.0.2:80', healthy: false }),
      ],
    }),
    upstreamReport({ name: 'none', endpoints: [] }),
  ]
  return {
    address: 'http://127.0.0.1:9901',
    reading,
    endpoints: endpointRows(upstreams, new Counters(), 0),
    problem: '',
    table: 'routes',
    sorted: { routes: 1, upstreams: 1 },
    filter: '',
    typing: false,
    offset: 0,
    ...more,
  }
}

const SIZE = { columns: 100, rows: 24 }

describe('what sluice top shows', () => {
  it('has a line for each worker, where there are several', () => {
    const worker = {
      number: 1,
      pid: 41,
      state: 'ready',
      restarts: 0,
      stale: false,
      version: 1,
      requests: 10,
      inFlight: 0,
      cpu: 1,
      resident: 90 << 20,
      loopLag: { p50: 0.1, p99: 1.1, max: 4 },
    } as const
    const silent = { requests: null, cpu: null, resident: null, loopLag: null, version: null, inFlight: null }
    const hanging = {
      ...worker,
      ...silent,
      number: 2,
      pid: 42,
      state: 'unresponsive',
      stale: true,
      restarts: 3,
    } as const
    const figures = new Figures()
    figures.read(statsReport({ uptime: 1_000, workers: [worker, hanging] }))
    const reading = figures.read(
      statsReport({ uptime: 2_000, workers: [{ ...worker, requests: 60, cpu: 1.25 }, hanging] }),
    )
    const lines = render(view({ reading }), { columns: 140, rows: 24 }, false)
    assert.match(
      lines[3]!,
      /^worker 1 {3}ready {3}pid 41 {3}requests 50\/s {3}cpu 25 % {3}memory 90\.0 MiB {3}loop lag p99 1\.1 ms {3}restarts 0$/,
    )
    assert.match(lines[4]!, /^worker 2 {3}unresponsive {3}pid 42 {3}requests –\/s .* restarts 3$/)
    const many = Array.from({ length: 30 }, (_, i) => ({ ...worker, number: i + 1 }))
    const crowd = render(view({ reading: figures.read(statsReport({ uptime: 3_000, workers: many })) }), SIZE, false)
    assert.ok(crowd.includes('and 22 more workers'))
    const one = render(view({ reading: figures.read(statsReport({ uptime: 4_000, workers: [worker] })) }), SIZE, false)
    assert.ok(!one.some((text) => text.startsWith('worker')))
  })

  it('has the rates, and routes by traffic', () => {
    const lines = render(view(), SIZE, false)
    assert.equal(lines.length, SIZE.rows)
    assert.match(lines[0]!, /^sluice 0\.1\.0 {3}ready {3}up 2 s {3}pid 4711/)
    assert.match(
      lines[1]!,
      /^requests 5,000\/s {3}4xx 0\/s {3}5xx 7\.0\/s {3}p50 1\.2 ms {3}p99 13 ms {3}in flight 12$/,
    )
    assert.match(lines[2]!, /memory 90\.0 MiB {3}loop lag p99 1\.1 ms/)
    const at = lines.findIndex((line) => line.startsWith('ROUTE'))
    assert.match(lines[at]!, /REQ\/S\*/)
    const names = lines.slice(at + 1, at + 5).map((line) => line.split(' ')[0])
    assert.deepEqual(names, ['漢字の道', 'evil·[2J··name', 'orders', 'users'])
    assert.match(lines.at(-1)!, /q quit {3}s sort: req\/s {3}u upstreams/)
  })

  it('fits into every terminal', () => {
    for (let columns = 1; columns <= 140; columns++) {
      for (const rows of [1, 2, 5, 8, 24]) {
        for (const table of ['routes', 'upstreams'] as const) {
          const lines = render(view({ table, problem: 'connect ECONNREFUSED' }), { columns, rows }, false)
          assert.equal(lines.length, rows)
          for (const line of lines) assert.ok(widthOf(line) <= columns, `${columns}: ${line}`)
        }
      }
    }
  })

  it('says what is wrong: no report, a rejected configuration, endpoints that are down', () => {
    const lastError = { time: Date.now(), problems: ['gateway.yaml:3:1 routes \x1b[31mwrong'] }
    const configuration = { version: 4, since: 0, applied: 4, rejected: 1, lastError }
    const reading = new Figures().read(statsReport({ configuration, ready: false }))
    const text = render(view({ reading, problem: 'no answer in 5 s' }), SIZE, false).join('\n')
    assert.match(text, /not ready/)
    assert.match(text, /configuration 4 since/)
    assert.match(text, /rejected .*: gateway\.yaml:3:1 routes ·\[31mwrong/)
    assert.match(text, /No report: no answer in 5 s/)
    const upstreams = render(view({ table: 'upstreams' }), { ...SIZE, columns: 120 }, false)
    const at = upstreams.findIndex((line) => line.startsWith('UPSTREAM'))
    assert.match(upstreams[at + 1]!, /^users {2}http:\/\/10\.0\.0\.2:80 .* Down .* panic *$/)
    assert.match(upstreams[at + 2]!, /^none .* 0 of 0 up/)
    assert.match(upstreams[at + 3]!, /^users .* Up .* 7\.5 ms *$/)
  })

  it('has no escape sequence without colours, and only styles with them', () => {
    assert.doesNotMatch(render(view(), SIZE, false).join(''), /[\x00-\x1f]/)
    const coloured = render(view(), SIZE, true).join('')
    assert.match(coloured, /\x1b\[31m5xx 7\.0\/s\x1b\[0m/)
    assert.doesNotMatch(coloured.replaceAll(/\x1b\[[0-9;]*m/g, ''), /[\x00-\x1f]/)
  })

  it('begins without a report', () => {
    const lines = render(view({ reading: null, endpoints: [], problem: '' }), SIZE, false)
    assert.match(lines[0]!, /^sluice {3}http:/)
    assert.equal(lines.length, SIZE.rows)
  })
})

describe('the keys of sluice top', () => {
  const after = (keys: string, from = view()): View | null => {
    let now: View | null = from
    for (const key of keysOf(keys)) now = now === null ? null : press(now, key, 10)
    return now
  }

  it('quit', () => {
    assert.equal(after('q'), null)
    assert.equal(after('\x03'), null)
    assert.equal(after('/x\x03'), null)
  })

  it('choose the table and its order', () => {
    assert.equal(after('u')!.table, 'upstreams')
    assert.equal(after('ur')!.table, 'routes')
    assert.deepEqual(after('ss')!.sorted, { routes: 3, upstreams: 1 })
    assert.deepEqual(after('s'.repeat(8))!.sorted, { routes: 1, upstreams: 1 })
  })

  it('filter, where q is a letter', () => {
    const typed = after('/qär\x7f\r')!
    assert.deepEqual([typed.filter, typed.typing], ['qä', false])
    assert.equal(after('/abc\x1b')!.filter, '')
    assert.equal(after('/\x1b[A')!.filter, '')
    assert.match(render(after('/ORD')!, SIZE, false).at(-1)!, /^filter: ORD_/)
    const lines = render(after('/ORD\r')!, SIZE, false).join('\n')
    assert.match(lines, /orders/)
    assert.doesNotMatch(lines, /users/)
    assert.ok(after(`/${'x'.repeat(1_000)}`)!.filter.length <= 200)
  })

  it('scroll within the rows', () => {
    assert.equal(after('\x1b[B\x1b[Bk')!.offset, 1)
    assert.equal(after('\x1b[6~\x1b[6~')!.offset, NAMES.length - 1)
    assert.equal(after('\x1b[F\x1b[H')!.offset, 0)
    assert.equal(after('\x1b[A')!.offset, 0)
  })

  it('that are not known do nothing', () => {
    assert.deepEqual(keysOf('\x1b[99;9X\x01\x1b[1;5C'), [])
    const figures = { reading: null, endpoints: [] }
    assert.deepEqual({ ...after('\x1b[15~x')!, ...figures }, view(figures))
  })
})

describe('text in a terminal', () => {
  it('loses what could harm', () => {
    assert.equal(harmless('a\x1b]0;title\x07b\u200b\u2028\u202ec\x9b2J'), 'a·]0;title·b···c·2J')
    assert.equal(harmless('e\u0301'), 'é')
    assert.equal(harmless('x\u0336'), 'x')
  })

  it('fits exactly', () => {
    assert.equal(fit('abc', 5), 'abc  ')
    assert.equal(fit('abc', 5, true), '  abc')
    assert.equal(fit('abcdef', 5), 'abcd…')
    assert.equal(fit('漢字の道', 6), '漢字… ')
    for (let width = 0; width < 12; width++) assert.equal(widthOf(fit('a漢b字cの', width)), width)
  })
})
