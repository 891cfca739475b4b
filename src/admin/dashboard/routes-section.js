// Routes by traffic. The order is looked at every few seconds only: rows that jump cannot be read.
import { errorsOf } from './figures.js'
import { LongList } from './long-list.js'
import { element } from './page.js'
import { Table } from './table.js'
import { bytes, count, duration, rate } from './words.js'

/** @typedef {import('./figures.js').RouteReading} RouteReading */
/** @typedef {RouteReading & { about: string, smooth: number }} Row */

const ORDER_EVERY = 5
/** Part that the latest second has in the rate by which routes are sorted. */
const WEIGHT = 0.3

/** @type {readonly import('./table.js').Column<Row>[]} */
const COLUMNS = [
  {
    title: 'Route',
    heads: true,
    sort: ({ name }) => name,
    cell: ({ name, about }) => [
      [name === '' ? 'name none' : 'name', name === '' ? 'no route' : name],
      ['about', about],
    ],
  },
  { title: 'Requests/s', numeric: true, sort: ({ smooth }) => smooth, cell: ({ requests }) => rate(requests) },
  {
    title: '4xx/s',
    numeric: true,
    sort: (row) => row.clientErrors ?? 0,
    cell: (row) => tinted('warn', row.clientErrors),
  },
  {
    title: '5xx/s',
    numeric: true,
    sort: (row) => row.serverErrors ?? 0,
    cell: (row) => tinted('bad', row.serverErrors),
  },
  {
    title: 'p50',
    numeric: true,
    sort: ({ latency }) => latency?.p50 ?? 0,
    cell: ({ latency }) => duration(latency?.p50),
  },
  {
    title: 'p99',
    numeric: true,
    sort: ({ latency }) => latency?.p99 ?? 0,
    cell: ({ latency }) => duration(latency?.p99),
  },
  { title: 'Sent/s', numeric: true, sort: (row) => row.bytesOut ?? 0, cell: ({ bytesOut }) => bytes(bytesOut) },
  { title: 'Total', numeric: true, sort: ({ total }) => total, cell: ({ total }) => count(total) },
]

/** @param {string} className @param {number | null} value @returns {readonly import('./page.js').Part[]} */
function tinted(className, value) {
  return [[value !== null && value > 0 ? className : 'zero', rate(value)]]
}

export class RoutesSection {
  /** @type {readonly Row[]} */
  #rows = []
  /** @type {Map<string, string>} */
  #about = new Map()
  /** @type {Map<string, number>} */
  #smooth = new Map()
  /** @type {Map<string, number>} */
  #places = new Map()
  #beat = 0
  /** @type {Table<Row>} */
  #table
  /** @type {LongList<Row>} */
  #list

  constructor() {
    this.#table = new Table(element('routes-table'), COLUMNS, {
      key: ({ name }) => name,
      onSort: () => this.#draw(true),
    })
    this.#list = new LongList('routes', {
      first: 10,
      text: ({ name, about }) => `${name} ${about}`,
      changed: () => this.#draw(true),
    })
  }

  /** What the configuration says of them. @param {any} report */
  describe(report) {
    const routes = Array.isArray(report.routes) ? report.routes : []
    this.#about = new Map(routes.map((/** @type {any} */ route) => [String(route.name), aboutOf(route)]))
  }

  /** @param {readonly RouteReading[]} routes */
  show(routes) {
    const smooth = new Map(
      routes.map(({ name, requests }) => {
        const before = this.#smooth.get(name)
        const now = requests ?? 0
        return [name, before === undefined ? now : before + (now - before) * WEIGHT]
      }),
    )
    this.#smooth = smooth
    this.#rows = routes
      .filter(({ name, total }) => name !== '' || total > 0)
      .map((route) => ({ ...route, about: this.#about.get(route.name) ?? '', smooth: smooth.get(route.name) ?? 0 }))
    this.#draw(this.#beat++ % ORDER_EVERY === 1)
  }

  /** @param {boolean} anew The order is made anew. */
  #draw(anew) {
    const isNew = (/** @type {Row} */ { name }) => !this.#places.has(name)
    if (anew || this.#rows.some(isNew)) {
      const sorted = this.#rows.toSorted(this.#table.order)
      this.#places = new Map(sorted.map(({ name }, i) => [name, i]))
    }
    const places = this.#places
    const rows = this.#rows.toSorted((a, b) => (places.get(a.name) ?? 0) - (places.get(b.name) ?? 0))
    const failing = rows.filter((row) => (errorsOf(row) ?? 0) > 0).length
    const shown = this.#list.pick(rows, failing === 0 ? '' : `${count(failing)} with errors now`)
    this.#table.show(shown, this.#list.filter === '' ? 'There are no routes.' : 'No route has this in its name.')
  }
}

/** What it matches and what it does, in a few words; the upstreams have their own table. @param {any} route */
function aboutOf({ methods = [], host = '*', path = '', conditions = [], action = '' }) {
  const method = methods.length === 0 ? 'any' : methods.join(',')
  const rest = [...conditions, `→ ${String(action).replace(/^(upstream \S+) \(.*\)$/s, '$1')}`]
  return `${method} ${host === '*' ? '' : host}${path} ${rest.join(', ')}`
}
