// What the Grafana dashboard shows: rows of panels with their queries. `$instance`, `$route` and `$upstream` are chosen by
// whoever looks; `$__rate_interval` is Grafana's shortest window that holds enough scrapes.

export type Look = 'lines' | 'areas' | 'figure' | 'states'

export interface Panel {
  readonly title: string
  readonly description: string
  readonly look: Look
  /** Grafana's name of it: reqps, s, bytes, percentunit, short, ... */
  readonly unit: string
  /** Of 24 columns. */
  readonly w: number
  readonly h: number
  readonly max?: number
  readonly warnAbove?: number
  readonly alarmAbove?: number
  /** Words and colours for the values 0, 1, 2, ... */
  readonly names?: readonly (readonly [string, string])[]
  readonly queries: readonly { readonly expr: string; readonly legend: string }[]
}

export interface Row {
  readonly title: string
  readonly panels: readonly Panel[]
}

export const VARIABLES = [
  { name: 'instance', label: 'Instance', query: 'label_values(sluice_build_info, instance)' },
  {
    name: 'route',
    label: 'Route',
    query: 'label_values(sluice_http_requests_total{instance=~"$instance"}, route)',
  },
  {
    name: 'upstream',
    label: 'Upstream',
    query: 'label_values(sluice_upstream_panic{instance=~"$instance"}, upstream)',
  },
] as const

const HERE = 'instance=~"$instance"'
const ROUTE = `${HERE},route=~"$route"`
const UPSTREAM = `${HERE},upstream=~"$upstream"`
const WINDOW = '[$__rate_interval]'

const rate = (metric: string, labels: string): string => `rate(${metric}{${labels}}${WINDOW})`
const sum = (by: string, expr: string): string => (by === '' ? `sum(${expr})` : `sum by (${by}) (${expr})`)
const quantile = (q: number, by: string, histogram: string, labels: string): string =>
  `histogram_quantile(${q}, ${sum(by === '' ? 'le' : `le, ${by}`, rate(`${histogram}_bucket`, labels))})`

type Queries = Readonly<Record<string, string>>
type More = Partial<Omit<Panel, 'title' | 'description' | 'queries' | 'look' | 'unit'>>

/** `queries`: legend -> expression. */
function panel(look: Look, unit: string, title: string, description: string, queries: Queries, more: More = {}): Panel {
  const size = look === 'figure' ? { w: 4, h: 4 } : { w: 8, h: 8 }
  const list = Object.entries(queries).map(([legend, expr]) => ({ expr, legend }))
  return { title, description, look, unit, ...size, ...more, queries: list }
}

const REQUESTS = 'sluice_http_requests_total'
const DURATION = 'sluice_http_request_duration_seconds'
const ERRORS = sum('', rate(REQUESTS, `${ROUTE},code=~"5.."`))

const overview: Row = {
  title: 'Overview',
  panels: [
    panel('figure', 'reqps', 'Requests', 'Requests per second', { requests: sum('', rate(REQUESTS, ROUTE)) }),
    panel(
      'figure',
      'percentunit',
      'Errors',
      'Share of replies with a status from 500 on',
      { errors: `(${ERRORS} or vector(0)) / ${sum('', rate(REQUESTS, ROUTE))}` },
      { warnAbove: 0.001, alarmAbove: 0.01 },
    ),
    panel(
      'figure',
      's',
      'p99',
      'From head to last byte',
      { p99: quantile(0.99, '', DURATION, ROUTE) },
      { warnAbove: 1 },
    ),
    panel('figure', 'short', 'In flight', 'Requests under way', {
      requests: sum('', `sluice_http_requests_in_flight{${HERE}}`),
    }),
    panel(
      'figure',
      'short',
      'Endpoints out',
      'Endpoints that are not healthy',
      { endpoints: `count(sluice_upstream_health{${UPSTREAM}} == 0) or vector(0)` },
      { warnAbove: 1 },
    ),
    panel('figure', 'short', 'Gateways', 'That Prometheus can scrape', { gateways: `sum(up{job="sluice",${HERE}})` }),
  ],
}

const requests: Row = {
  title: 'Requests',
  panels: [
    panel('areas', 'reqps', 'By route', 'Requests per second', { '{{route}}': sum('route', rate(REQUESTS, ROUTE)) }),
    panel('areas', 'reqps', 'By status', 'Requests per second', { '{{code}}': sum('code', rate(REQUESTS, ROUTE)) }),
    panel('lines', 'reqps', 'Failures by code', 'Requests that the gateway failed; docs/errors.md', {
      '{{code}}': sum('code', rate('sluice_http_failures_total', HERE)),
    }),
    panel('lines', 's', 'Duration', 'Of the chosen routes, from head to last byte', {
      p50: quantile(0.5, '', DURATION, ROUTE),
      p95: quantile(0.95, '', DURATION, ROUTE),
      p99: quantile(0.99, '', DURATION, ROUTE),
    }),
    panel('lines', 's', 'p99 by route', 'From head to last byte', {
      '{{route}}': quantile(0.99, 'route', DURATION, ROUTE),
    }),
    panel('lines', 'Bps', 'Bodies', 'Bytes per second', {
      requests: sum('', rate('sluice_http_request_bytes_total', ROUTE)),
      replies: sum('', rate('sluice_http_response_bytes_total', ROUTE)),
    }),
  ],
}

const BREAKER = [
  ['closed', 'green'],
  ['half open', 'orange'],
  ['open', 'red'],
] as const
const HEALTH = [
  ['out', 'red'],
  ['healthy', 'green'],
] as const
const ENDPOINT = '{{upstream}} {{endpoint}}'

const upstreams: Row = {
  title: 'Upstreams',
  panels: [
    panel(
      'states',
      'short',
      'Health',
      'By checks and comparison',
      { [ENDPOINT]: `min by (upstream, endpoint) (sluice_upstream_health{${UPSTREAM}})` },
      { w: 12, names: HEALTH },
    ),
    panel(
      'states',
      'short',
      'Circuit breakers',
      'The worst of all chosen gateways',
      {
        '{{upstream}}': `max by (upstream) (sluice_upstream_breaker_state{${UPSTREAM}})`,
        [ENDPOINT]: `max by (upstream, endpoint) (sluice_upstream_endpoint_breaker_state{${UPSTREAM}})`,
      },
      { w: 12, names: BREAKER },
    ),
    panel('lines', 'reqps', 'Requests by endpoint', 'Sent per second, retries and hedges too', {
      [ENDPOINT]: sum('upstream, endpoint', rate('sluice_upstream_requests_total', UPSTREAM)),
    }),
    panel('lines', 'reqps', 'Failures by endpoint', 'Status 500 and above, connect, reset, timeout; per second', {
      [ENDPOINT]: sum('upstream, endpoint', rate('sluice_upstream_failures_total', UPSTREAM)),
    }),
    panel('lines', 's', 'p99 by endpoint', 'To the head of its reply', {
      [ENDPOINT]: quantile(0.99, 'upstream, endpoint', 'sluice_upstream_request_duration_seconds', UPSTREAM),
    }),
    panel('lines', 'reqps', 'Retries and hedges', 'Sent in addition, per second', {
      '{{upstream}} {{reason}}': sum('upstream, reason', rate('sluice_upstream_extra_requests_total', UPSTREAM)),
    }),
    panel('lines', 'short', 'In flight and waiting', 'Requests on their way, and those that wait for a connection', {
      '{{upstream}} in flight': sum('upstream', `sluice_upstream_requests_in_flight{${UPSTREAM}}`),
      '{{upstream}} waiting': sum('upstream', `sluice_upstream_requests_pending{${UPSTREAM}}`),
    }),
    panel('lines', 'short', 'Connections', 'Open ones', {
      [ENDPOINT]: sum('upstream, endpoint', `sluice_upstream_connections{${UPSTREAM}}`),
    }),
    panel(
      'lines',
      'percentunit',
      'Share',
      'Part of the requests that an endpoint gets now',
      { [ENDPOINT]: `avg by (upstream, endpoint) (sluice_upstream_share{${UPSTREAM}})` },
      { w: 12, max: 1 },
    ),
    panel(
      'states',
      'short',
      'Panic',
      'Too few are healthy to look at health',
      { '{{upstream}}': `max by (upstream) (sluice_upstream_panic{${UPSTREAM}})` },
      {
        w: 12,
        names: [
          ['calm', 'green'],
          ['panic', 'red'],
        ],
      },
    ),
  ],
}

const plugins: Row = {
  title: 'Plugins and limits',
  panels: [
    panel('areas', 'reqps', 'Rate limits', 'Decisions per second', {
      '{{name}} {{decision}}': sum('name, decision', rate('sluice_ratelimit_decisions_total', HERE)),
    }),
    panel('lines', 'reqps', 'Redis of limits', 'Questions, and those that it failed; per second', {
      questions: sum('', rate('sluice_ratelimit_redis_round_trips_total', HERE)),
      failed: sum('', rate('sluice_ratelimit_redis_failures_total', HERE)),
    }),
    panel('lines', 's', 'Time of plugins', 'Mean of a step; one call in 64 is timed', {
      '{{plugin}}': `${sum('plugin', rate('sluice_plugin_duration_seconds_sum', HERE))} / ${sum('plugin', rate('sluice_plugin_duration_seconds_count', HERE))}`,
    }),
  ],
}

const process: Row = {
  title: 'Process',
  panels: [
    panel(
      'lines',
      's',
      'Event loop',
      'By how much it is late; every request waits for it',
      { '{{instance}} {{quantile}}': `sluice_eventloop_lag_seconds{${HERE}}` },
      { warnAbove: 0.05 },
    ),
    panel('lines', 'percentunit', 'Garbage collection', 'Share of time that it takes', {
      '{{instance}} {{kind}}': sum('instance, kind', rate('sluice_gc_pause_seconds_sum', HERE)),
    }),
    panel('lines', 's', 'Garbage collection pauses, p99', 'One pause in a hundred is longer', {
      '{{kind}}': quantile(0.99, 'kind', 'sluice_gc_pause_seconds', HERE),
    }),
    panel('lines', 'percentunit', 'CPU', 'Of one core', {
      '{{instance}}': `rate(process_cpu_seconds_total{job="sluice",${HERE}}${WINDOW})`,
    }),
    panel('lines', 'bytes', 'Memory', 'Of the process, its heap, and buffers outside of it', {
      '{{instance}} resident': `process_resident_memory_bytes{job="sluice",${HERE}}`,
      '{{instance}} heap used': `nodejs_heap_size_used_bytes{job="sluice",${HERE}}`,
      '{{instance}} heap': `nodejs_heap_size_total_bytes{job="sluice",${HERE}}`,
      '{{instance}} external': `nodejs_external_memory_bytes{job="sluice",${HERE}}`,
    }),
    panel('lines', 'short', 'Descriptors', 'Open ones, and their limit', {
      '{{instance}} open': `process_open_fds{job="sluice",${HERE}}`,
      '{{instance}} limit': `process_max_fds{job="sluice",${HERE}}`,
    }),
    panel('lines', 'short', 'Connections of clients', 'By listener', {
      '{{instance}} {{listener}}': `sluice_listener_connections{${HERE}}`,
    }),
    panel('lines', 'short', 'Exchanges', 'Objects that carry requests: active, and kept for the next', {
      '{{instance}} {{state}}': `sluice_exchanges{${HERE}}`,
    }),
    panel('lines', 's', 'Uptime', 'Since the process began', {
      '{{instance}}': `time() - process_start_time_seconds{job="sluice",${HERE}}`,
    }),
  ],
}

const telemetry: Row = {
  title: 'Configuration, logs and traces',
  panels: [
    panel('lines', 'short', 'Configuration', 'Version that serves, counted from the start', {
      '{{instance}} {{version}}': `sluice_config_version{${HERE}} * on (job, instance) group_left (version) sluice_build_info`,
    }),
    panel('lines', 'short', 'Reloads', 'Within five minutes', {
      '{{instance}} {{result}}': `increase(sluice_config_reloads_total{${HERE}}[5m])`,
    }),
    panel(
      'states',
      'short',
      'Last reload',
      'Whether it was applied',
      { '{{instance}}': `sluice_config_last_reload_successful{${HERE}}` },
      {
        names: [
          ['rejected', 'red'],
          ['applied', 'green'],
        ],
      },
    ),
    panel('lines', 'short', 'Log entries', 'Per second', {
      '{{level}} {{result}}': sum('level, result', rate('sluice_log_entries_total', HERE)),
    }),
    panel('lines', 'short', 'Spans', 'Per second', {
      '{{result}}': sum('result', rate('sluice_trace_spans_total', HERE)),
    }),
    panel('lines', 'short', 'Series folded', 'Beyond the budget, counted under "other"', {
      '{{instance}} {{metric}}': `sluice_metrics_folded_series{${HERE}}`,
    }),
  ],
}

export const ROWS: readonly Row[] = [overview, requests, upstreams, plugins, process, telemetry]
