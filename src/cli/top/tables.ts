// The two tables of `sluice top`: their columns, their rows, and the order of these.
import {
  healthOf,
  upstreamHealth,
  type Counters,
  type Reading,
  type UpstreamReport,
} from '../../admin/dashboard/figures.js'
import { bytes, count, duration, rate, share } from '../../admin/dashboard/words.js'
import type { Style } from './cells.ts'

export interface Cell {
  readonly text: string
  readonly style: Style
}

export interface Column<Row> {
  readonly title: string
  /** Of the text; 0 takes what is left. */
  readonly width: number
  /** The greatest are left out first where the terminal is narrow. */
  readonly rank: number
  readonly cell: (row: Row) => Cell
  /** What the rows may be sorted by: numbers from the greatest down, texts from a to z. */
  readonly sort: (row: Row) => number | string
}

export type RouteRow = Reading['routes'][number]

export interface EndpointRow {
  readonly upstream: string
  readonly url: string
  readonly health: { readonly state: string; readonly word: string; readonly reason: string }
  readonly share: number
  readonly requests: number | null
  readonly failures: number | null
  readonly inFlight: number
  /** ms */
  readonly p99: number | null
}

function plain(text: string): Cell {
  return { text, style: 'plain' }
}

/** Nothing to look at is dim. */
function counted(value: number | null, style: Style): Cell {
  return { text: rate(value), style: value === null || value === 0 ? 'dim' : style }
}

export const ROUTE_COLUMNS: readonly Column<RouteRow>[] = [
  {
    title: 'ROUTE',
    width: 0,
    rank: 0,
    cell: ({ name }) => (name === '' ? { text: '(no route)', style: 'dim' } : plain(name)),
    sort: ({ name }) => name,
  },
  {
    title: 'REQ/S',
    width: 8,
    rank: 1,
    cell: ({ requests }) => counted(requests, 'plain'),
    sort: ({ requests }) => requests ?? 0,
  },
  {
    title: '4XX/S',
    width: 7,
    rank: 3,
    cell: ({ clientErrors }) => counted(clientErrors, 'warn'),
    sort: ({ clientErrors }) => clientErrors ?? 0,
  },
  {
    title: '5XX/S',
    width: 7,
    rank: 2,
    cell: ({ serverErrors }) => counted(serverErrors, 'bad'),
    sort: ({ serverErrors }) => serverErrors ?? 0,
  },
  {
    title: 'P50',
    width: 8,
    rank: 5,
    cell: ({ latency }) => plain(duration(latency?.p50)),
    sort: ({ latency }) => latency?.p50 ?? 0,
  },
  {
    title: 'P99',
    width: 8,
    rank: 4,
    cell: ({ latency }) => plain(duration(latency?.p99)),
    sort: ({ latency }) => latency?.p99 ?? 0,
  },
  {
    title: 'SENT/S',
    width: 9,
    rank: 7,
    cell: ({ bytesOut }) => plain(bytes(bytesOut)),
    sort: ({ bytesOut }) => bytesOut ?? 0,
  },
  { title: 'TOTAL', width: 8, rank: 6, cell: ({ total }) => plain(count(total)), sort: ({ total }) => total },
]

const HEALTH_STYLES: Readonly<Record<string, Style>> = { up: 'good', warming: 'warn', out: 'warn', down: 'bad' }
const HEALTH_RANK: Readonly<Record<string, number>> = { down: 3, out: 2, warming: 1, up: 0 }

export const ENDPOINT_COLUMNS: readonly Column<EndpointRow>[] = [
  {
    title: 'UPSTREAM  ENDPOINT',
    width: 0,
    rank: 0,
    cell: ({ upstream, url }) => plain(`${upstream}  ${url}`),
    sort: ({ upstream, url }) => `${upstream} ${url}`,
  },
  {
    title: 'HEALTH',
    width: 10,
    rank: 1,
    cell: ({ health }) => ({ text: health.word, style: HEALTH_STYLES[health.state] ?? 'plain' }),
    sort: ({ health }) => HEALTH_RANK[health.state] ?? 0,
  },
  { title: 'SHARE', width: 6, rank: 6, cell: (row) => plain(share(row.share)), sort: (row) => row.share },
  {
    title: 'REQ/S',
    width: 8,
    rank: 2,
    cell: ({ requests }) => counted(requests, 'plain'),
    sort: ({ requests }) => requests ?? 0,
  },
  {
    title: 'FAIL/S',
    width: 7,
    rank: 3,
    cell: ({ failures }) => counted(failures, 'bad'),
    sort: ({ failures }) => failures ?? 0,
  },
  {
    title: 'IN FLIGHT',
    width: 10,
    rank: 5,
    cell: ({ inFlight }) => plain(count(inFlight)),
    sort: ({ inFlight }) => inFlight,
  },
  { title: 'P99', width: 8, rank: 4, cell: ({ p99 }) => plain(duration(p99)), sort: ({ p99 }) => p99 ?? 0 },
  {
    title: 'WHY',
    width: 26,
    rank: 7,
    cell: ({ health }) => ({ text: health.reason, style: 'dim' }),
    sort: ({ health }) => health.reason,
  },
]

/** Endpoints, and upstreams that have none, with their rates since the report before. */
export function endpointRows(upstreams: readonly UpstreamReport[], counters: Counters, at: number): EndpointRow[] {
  counters.next(at)
  return upstreams.flatMap((upstream) => {
    const { name, endpoints, inFlight } = upstream
    if (endpoints.length === 0) {
      const health = upstreamHealth(upstream)
      return [{ upstream: name, url: '', health, share: 0, requests: 0, failures: 0, inFlight, p99: null }]
    }
    return endpoints.map((endpoint, i) => {
      const key = `${name} ${endpoint.url} ${i}`
      return {
        upstream: name,
        url: endpoint.url,
        health: inPanic(healthOf(endpoint), upstream.panic),
        share: endpoint.share,
        requests: counters.rate(`${key} requests`, endpoint.requests),
        failures: counters.rate(`${key} failures`, endpoint.failures),
        inFlight: endpoint.inFlight,
        p99: endpoint.latency?.p99 ?? null,
      }
    })
  })
}

/** Why an endpoint that is down gets requests all the same. */
function inPanic(health: EndpointRow['health'], panic: boolean): EndpointRow['health'] {
  if (!panic || health.state !== 'down') return health
  return { ...health, reason: health.reason === '' ? 'panic' : `panic; ${health.reason}` }
}

/** Sorted by one column; those of the same value keep the order of the configuration. */
export function inOrder<Row>(rows: readonly Row[], { sort }: Column<Row>): Row[] {
  return rows.toSorted((a, b) => {
    const [x, y] = [sort(a), sort(b)]
    return typeof x === 'number' && typeof y === 'number' ? y - x : String(x).localeCompare(String(y), 'en')
  })
}
