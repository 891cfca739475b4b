// Upstreams with their endpoints. What is not well comes first, within an upstream too.
import { Counters, healthOf, upstreamHealth } from './figures.js'
import { LongList } from './long-list.js'
import { element, setText } from './page.js'
import { Table } from './table.js'
import { count, duration, rate, share } from './words.js'

/** @typedef {import('./figures.js').UpstreamReport} UpstreamReport */
/** @typedef {import('./figures.js').Reading['upstreams'][number]} UpstreamReading */

/**
 * @typedef {object} Row of an upstream, or of one of its endpoints
 * @property {string} key
 * @property {boolean} head
 * @property {string} name
 * @property {string} about
 * @property {{ state: string, word: string, reason: string }} health
 * @property {number | null} share
 * @property {number | null} requests per second
 * @property {number | null} failures per second
 * @property {number} inFlight
 * @property {string} latency
 * @property {number | null} connections
 */

/** Endpoints of one upstream that are shown at first. */
const FIRST_ENDPOINTS = 6
const RANK = { down: 0, out: 1, warming: 2, up: 3 }
/** A shape for each state: colour alone tells nothing to some. */
const SIGNS = { up: '●', warming: '◐', out: '▲', down: '■' }

/** @type {readonly import('./table.js').Column<Row>[]} */
const COLUMNS = [
  {
    title: 'Upstream, endpoint',
    heads: true,
    cell: ({ name, about }) => [
      ['name', name],
      ['about', about],
    ],
  },
  {
    title: 'Health',
    cell: ({ health: { state, word, reason } }) => [
      [`badge ${state}`, `${SIGNS[/** @type {keyof typeof SIGNS} */ (state)]} ${word}`],
      ['reason', reason],
    ],
  },
  { title: 'Share', numeric: true, cell: (row) => (row.head ? '' : share(row.share)) },
  { title: 'Requests/s', numeric: true, cell: ({ requests }) => rate(requests) },
  {
    title: 'Failures/s',
    numeric: true,
    cell: ({ failures }) => [[failures !== null && failures > 0 ? 'bad' : 'zero', rate(failures)]],
  },
  { title: 'In flight', numeric: true, cell: ({ inFlight }) => count(inFlight) },
  { title: 'p99', numeric: true, cell: ({ latency }) => latency },
  { title: 'Connections', numeric: true, cell: (row) => (row.connections === null ? '' : count(row.connections)) },
]

export class UpstreamsSection {
  #counters = new Counters()
  /** @type {readonly (readonly Row[])[]} */
  #groups = []
  /** @type {Map<string, UpstreamReading>} */
  #traffic = new Map()
  #table = new Table(element('upstreams-table'), COLUMNS, {
    key: ({ key }) => key,
    rowClass: ({ head }) => (head ? 'group' : 'member'),
  })
  /** @type {LongList<readonly Row[]>} */
  #list = new LongList('upstreams', {
    first: 10,
    text: (group) => group.map(({ name, about }) => `${name} ${about}`).join('\n'),
    changed: () => this.#draw(),
  })

  /** What the reports of the gateway say of them. @param {readonly UpstreamReading[]} upstreams */
  measure(upstreams) {
    this.#traffic = new Map(upstreams.map((upstream) => [upstream.name, upstream]))
  }

  /** Another process counts from zero. */
  restart() {
    this.#counters = new Counters()
  }

  /** @param {{ upstreams: readonly UpstreamReport[] }} report */
  show({ upstreams }) {
    this.#counters.next(performance.now())
    this.#groups = upstreams.map((upstream) => this.#group(upstream)).toSorted(byHealthThenTraffic)
    this.#draw()
  }

  /** What was known stays. @param {string} problem */
  failed(problem) {
    setText(element('upstreams-note'), `They cannot be read: ${problem}`)
  }

  /** @param {UpstreamReport} upstream @returns {readonly Row[]} */
  #group(upstream) {
    const members = upstream.endpoints.map((endpoint, i) => this.#member(upstream.name, endpoint, i))
    const p99 = this.#traffic.get(upstream.name)?.latency?.p99
    const sum = (/** @type {(row: Row) => number | null} */ of) =>
      members.some((row) => of(row) !== null) ? members.reduce((total, row) => total + (of(row) ?? 0), 0) : null
    /** @type {Row} */
    const head = {
      key: `upstream ${upstream.name}`,
      head: true,
      name: upstream.name,
      about: upstream.pending > 0 ? `${count(upstream.pending)} wait for a connection` : '',
      health: upstreamHealth(upstream),
      share: null,
      requests: sum((row) => row.requests),
      failures: sum((row) => row.failures),
      inFlight: upstream.inFlight,
      latency: duration(p99),
      connections: sum((row) => row.connections),
    }
    return [head, ...members.toSorted(byHealthThenShare)]
  }

  /** @param {string} upstream @param {UpstreamReport['endpoints'][number]} endpoint @param {number} i @returns {Row} */
  #member(upstream, endpoint, i) {
    const key = `endpoint ${upstream} ${endpoint.url} ${i}`
    const places = [endpoint.zone, endpoint.region].filter((place) => place !== '')
    return {
      key,
      head: false,
      name: endpoint.url,
      about: places.join(', '),
      health: healthOf(endpoint),
      share: endpoint.share,
      requests: this.#counters.rate(`${key} requests`, endpoint.requests),
      failures: this.#counters.rate(`${key} failures`, endpoint.failures),
      inFlight: endpoint.inFlight,
      latency: duration(endpoint.latency?.p99),
      connections: endpoint.connections,
    }
  }

  #draw() {
    const members = this.#groups.flatMap((group) => group.slice(1))
    const unwell = members.filter(({ health }) => health.state === 'down' || health.state === 'out').length
    const many = this.#groups.some((group) => group.length > FIRST_ENDPOINTS + 1)
    const whole = `${count(members.length)} endpoints, ${unwell === 0 ? 'all well' : `${count(unwell)} not well`}`
    const shown = this.#list.pick(this.#groups, whole)
    const button = element('upstreams-all')
    if (many) button.hidden = false
    const all = button.getAttribute('aria-pressed') === 'true'
    const rows = shown.flatMap((group) => (all ? group : this.#first(group)))
    this.#table.show(rows, this.#list.filter === '' ? 'There are no upstreams.' : 'No upstream or endpoint has this.')
  }

  /** @param {readonly Row[]} group @returns {readonly Row[]} */
  #first(group) {
    const [head, ...members] = group
    if (head === undefined) return []
    const { filter } = this.#list
    const isNamed = filter === '' || head.name.toLowerCase().includes(filter)
    const found = isNamed
      ? members
      : members.filter(({ name, about }) => `${name} ${about}`.toLowerCase().includes(filter))
    const left = found.length - FIRST_ENDPOINTS
    const more = left > 0 ? `${count(left)} more endpoints are not shown` : ''
    return [{ ...head, about: [head.about, more].filter(Boolean).join('; ') }, ...found.slice(0, FIRST_ENDPOINTS)]
  }
}

/** @param {Row} row */
function rank({ health }) {
  return RANK[/** @type {keyof typeof RANK} */ (health.state)]
}

/** @param {Row} a @param {Row} b */
function byHealthThenShare(a, b) {
  return rank(a) - rank(b) || (b.share ?? 0) - (a.share ?? 0) || a.key.localeCompare(b.key, 'en')
}

/** @param {readonly Row[]} one @param {readonly Row[]} other */
function byHealthThenTraffic([one], [other]) {
  if (one === undefined || other === undefined) return 0
  // The order must not change with each report: traffic counts by its magnitude.
  const magnitude = (/** @type {Row} */ row) => Math.round(Math.log2(1 + (row.requests ?? 0)))
  return rank(one) - rank(other) || magnitude(other) - magnitude(one) || one.name.localeCompare(other.name, 'en')
}
