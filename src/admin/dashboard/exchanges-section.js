// Requests that are under way for long.
import { element, setText } from './page.js'
import { Table } from './table.js'
import { bytes, count, duration, span } from './words.js'

const LIMIT = 20

/** @type {readonly import('./table.js').Column<any>[]} */
const COLUMNS = [
  { title: 'Age', numeric: true, cell: ({ age }) => (age < 10_000 ? duration(age) : span(age)) },
  {
    title: 'Request',
    heads: true,
    cell: ({ method, host, path, id }) => [
      ['name', `${text(method)} ${text(host)}${text(path)}`],
      ['about', text(id)],
    ],
  },
  {
    title: 'Where it is',
    cell: ({ place, inPlace }) => [
      ['where', text(place)],
      ['about', typeof inPlace === 'number' ? `for ${duration(inPlace)}` : ''],
    ],
  },
  { title: 'Route', cell: ({ route }) => text(route) },
  {
    title: 'Upstream, endpoint',
    cell: ({ upstream, endpoint }) => [
      ['name', text(upstream)],
      ['about', text(endpoint)],
    ],
  },
  { title: 'Tries', numeric: true, cell: ({ tries }) => text(tries) },
  { title: 'Received', numeric: true, cell: ({ bytesIn }) => bytes(Number(bytesIn ?? 0)) },
  { title: 'Sent', numeric: true, cell: ({ bytesOut }) => bytes(Number(bytesOut ?? 0)) },
  { title: 'Client', cell: ({ client }) => text(client) },
]

/** @param {unknown} value */
function text(value) {
  return value === null || value === undefined ? '' : `${/** @type {string | number} */ (value)}`
}

export class ExchangesSection {
  #table = new Table(element('exchanges-table'), COLUMNS, { key: ({ key }) => key })
  #slow = element('exchanges-slow')

  /** @param {() => void} changed Another threshold is wanted. */
  constructor(changed) {
    this.#slow.addEventListener('change', changed)
  }

  get path() {
    return `/admin/v1/exchanges?slow=${encodeURIComponent(this.#slow.value)}&limit=${LIMIT}`
  }

  /** @param {any} report */
  show(report) {
    const exchanges = Array.isArray(report.exchanges) ? report.exchanges : []
    // Ids may come from clients: they need not be unique.
    const rows = exchanges.map((/** @type {object} */ exchange, /** @type {number} */ i) => ({
      ...exchange,
      key: String(i),
    }))
    this.#table.show(rows, `No request is older than ${this.#threshold()}.`)
    const known = exchanges.length < LIMIT ? count(exchanges.length) : `the oldest ${LIMIT}`
    setText(element('exchanges-note'), exchanges.length === 0 ? '' : known)
  }

  /** @param {string} problem */
  failed(problem) {
    this.#table.show([], `They cannot be read: ${problem}`)
  }

  #threshold() {
    return this.#slow.selectedOptions[0]?.textContent ?? this.#slow.value
  }
}
