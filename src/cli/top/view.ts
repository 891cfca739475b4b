// What `sluice top` shows, as lines of text: a function of what is known, of the size and of nothing else.
import type { Reading } from '../../admin/dashboard/figures.js'
import { bytes, count, duration, moment, rate, share, span } from '../../admin/dashboard/words.js'
import { fit, harmless, styled, widthOf, type Style } from './cells.ts'
import { ENDPOINT_COLUMNS, inOrder, ROUTE_COLUMNS, type Column, type EndpointRow } from './tables.ts'

export type TableName = 'routes' | 'upstreams'

export interface View {
  readonly address: string
  /** null before the first report. */
  readonly reading: Reading | null
  readonly endpoints: readonly EndpointRow[]
  /** Why there is no newer report; '' when there is one. */
  readonly problem: string
  readonly table: TableName
  /** Index of the column by which each table is sorted. */
  readonly sorted: Readonly<Record<TableName, number>>
  readonly filter: string
  /** The filter is being typed. */
  readonly typing: boolean
  /** Rows above the first one that is shown. */
  readonly offset: number
}

export interface Size {
  readonly columns: number
  /** Infinity: as many as there are. */
  readonly rows: number
}

/** Columns between two cells. */
const GAP = 2
const SMALLEST_NAME = 16
/** Lines of workers above the tables. */
const MOST_WORKERS = 8

/** No line is longer than the terminal is wide. */
export function render(view: View, size: Size, colour: boolean): string[] {
  const head = header(view, size.columns, colour)
  const foot = size.rows === Infinity ? [] : [footer(view, size.columns, colour)]
  const room = Math.max(0, size.rows - head.length - foot.length)
  const lines = [...head, ...table(view, { columns: size.columns, rows: room }, colour)]
  if (foot.length === 0) return lines
  while (lines.length < size.rows - 1) lines.push('')
  return [...lines.slice(0, size.rows - 1), ...foot]
}

type Part = readonly [text: string, style: Style]

function header(view: View, width: number, colour: boolean): string[] {
  const { reading, problem, address } = view
  const line = (parts: readonly Part[]): string => joined(parts, width, colour)
  const alarm = problem === '' ? [] : [line([[`No report: ${problem}`, 'alarm']])]
  if (reading === null) {
    return [
      line([
        ['sluice', 'bold'],
        [address, 'dim'],
      ]),
      ...alarm,
      '',
    ]
  }
  const { stats, traffic, cpu } = reading
  const { requests, connections, configuration, process } = stats
  const { lastError } = configuration
  const errors: Style = (traffic.serverErrors ?? 0) > 0 ? 'bad' : 'plain'
  return [
    line([
      [`sluice ${stats.version}`, 'bold'],
      stats.ready ? ['ready', 'good'] : ['not ready', 'warn'],
      [`up ${span(stats.uptime)}`, 'plain'],
      [`pid ${stats.pid}`, 'plain'],
      [moment(stats.time), 'plain'],
      [address, 'dim'],
    ]),
    line([
      [`requests ${rate(traffic.requests)}/s`, 'bold'],
      [`4xx ${rate(traffic.clientErrors)}/s`, 'plain'],
      [`5xx ${rate(traffic.serverErrors)}/s`, errors],
      [`p50 ${duration(requests.latency?.p50)}`, 'plain'],
      [`p99 ${duration(requests.latency?.p99)}`, 'plain'],
      [`in flight ${count(requests.inFlight)}`, 'plain'],
    ]),
    line([
      [`clients ${count(connections.clients)}`, 'plain'],
      [`upstream connections ${count(connections.upstreams)}`, 'plain'],
      [`cpu ${share(cpu)}`, 'plain'],
      [`memory ${bytes(process.resident)}`, 'plain'],
      [`loop lag p99 ${duration(process.loopLag.p99)}`, 'plain'],
      [`heap ${bytes(process.heapUsed)}`, 'plain'],
    ]),
    ...workerLines(reading.workers).map(line),
    line([[`configuration ${configuration.version} since ${moment(configuration.since)}`, 'plain']]),
    ...(lastError === null
      ? []
      : [line([[`rejected ${moment(lastError.time)}: ${lastError.problems.join('; ')}`, 'alarm']])]),
    ...alarm,
    '',
  ]
}

/** One for each process, where there are several. */
function workerLines(workers: Reading['workers']): Part[][] {
  if (workers.length < 2) return []
  const lines = workers.slice(0, MOST_WORKERS).map((worker): Part[] => [
    [`worker ${worker.number}`, 'bold'],
    [worker.state, worker.state === 'ready' && !worker.stale ? 'good' : 'warn'],
    [`pid ${worker.pid}`, 'plain'],
    [`requests ${rate(worker.requests)}/s`, 'plain'],
    [`cpu ${share(worker.cpu)}`, 'plain'],
    [`memory ${bytes(worker.resident)}`, 'plain'],
    [`loop lag p99 ${duration(worker.loopLag?.p99)}`, 'plain'],
    [`restarts ${count(worker.restarts)}`, worker.restarts > 0 ? 'warn' : 'dim'],
  ])
  const left = workers.length - lines.length
  return left > 0 ? [...lines, [[`and ${count(left)} more workers`, 'dim']]] : lines
}

function table({ table: name, reading, endpoints, sorted, filter, offset }: View, size: Size, colour: boolean) {
  if (name === 'upstreams') {
    const rows = endpoints.filter((row) => matches(`${row.upstream} ${row.url}`, filter))
    return tableLines(ENDPOINT_COLUMNS, rows, sorted.upstreams, offset, size, colour)
  }
  const rows = (reading?.routes ?? []).filter((row) => (row.name !== '' || row.total > 0) && matches(row.name, filter))
  return tableLines(ROUTE_COLUMNS, rows, sorted.routes, offset, size, colour)
}

function matches(text: string, filter: string): boolean {
  return filter === '' || text.toLowerCase().includes(filter.toLowerCase())
}

function tableLines<Row>(
  all: readonly Column<Row>[],
  rows: readonly Row[],
  sorted: number,
  offset: number,
  size: Size,
  colour: boolean,
): string[] {
  if (size.rows < 1) return []
  const by = all[sorted]!
  const columns = fitting(all, size.columns)
  const fixed = columns.reduce((sum, { width }) => sum + (width === 0 ? 0 : width + GAP), 0)
  const nameWidth = Math.max(1, size.columns - fixed)
  const widthIn = ({ width }: Column<Row>): number => (width === 0 ? nameWidth : width)
  const toTheRight = ({ width, title }: Column<Row>): boolean => width !== 0 && !LEFT.has(title)
  const gap = ' '.repeat(GAP)
  const titles = columns.map((column) => {
    const title = column === by ? `${column.title}${MARK}` : column.title
    return fit(title, widthIn(column), toTheRight(column))
  })
  const lines = [styled(titles.join(gap), 'head', colour)]
  const first = Math.max(0, Math.min(offset, rows.length - 1))
  for (const row of inOrder(rows, by).slice(first, first + size.rows - 1)) {
    const cells = columns.map((column) => {
      const { text, style } = column.cell(row)
      return styled(fit(text, widthIn(column), toTheRight(column)), style, colour)
    })
    lines.push(cells.join(gap))
  }
  return lines
}

/** Columns of words. */
const LEFT = new Set(['HEALTH', 'WHY'])
/** The rows are sorted by this column. */
const MARK = '*'

/** Those that have room beside a name that can be read; the most important ones first. */
function fitting<Row>(columns: readonly Column<Row>[], width: number): Column<Row>[] {
  let left = width - SMALLEST_NAME
  const kept = new Set<Column<Row>>()
  for (const column of columns.toSorted((a, b) => a.rank - b.rank)) {
    const needed = column.width === 0 ? 0 : column.width + GAP
    if (needed > left) break
    left -= needed
    kept.add(column)
  }
  return columns.filter((column) => kept.has(column))
}

function footer({ typing, filter, table: name, sorted }: View, width: number, colour: boolean): string {
  if (typing) return joined([[`filter: ${filter}_   Enter keeps it, Esc removes it`, 'bold']], width, colour)
  const by = (name === 'routes' ? ROUTE_COLUMNS : ENDPOINT_COLUMNS)[sorted[name]]!.title.toLowerCase()
  const other = name === 'routes' ? 'u upstreams' : 'r routes'
  const found = filter === '' ? '/ filter' : `/ filter: ${filter}`
  return joined([[`q quit   s sort: ${by}   ${other}   ${found}   up, down scroll`, 'dim']], width, colour)
}

/** Parts in a row, as many as there is room for. */
function joined(parts: readonly Part[], width: number, colour: boolean): string {
  let line = ''
  let left = width
  for (const [i, [text, style]] of parts.entries()) {
    const space = i === 0 ? '' : '   '
    const room = left - space.length
    if (room < 1) break
    const clean = harmless(text)
    const shown = widthOf(clean) <= room ? clean : fit(clean, room)
    if (shown !== clean && i > 0) break
    line += space + styled(shown, style, colour)
    left = room - widthOf(shown)
  }
  return line
}
