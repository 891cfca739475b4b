// The snapshot that serves, those that requests still use, and why the latest reload was rejected.
import { element, setFacts, setItems, setText } from './page.js'
import { Table } from './table.js'
import { count, moment, plural, span } from './words.js'

/** @typedef {import('../stats-report.ts').ConfigurationStats} ConfigurationStats */

const MOST_PROBLEMS = 20

/** @type {readonly import('./table.js').Column<any>[]} */
const COLUMNS = [
  { title: 'Version', heads: true, cell: ({ version }) => String(version) },
  { title: 'Since', cell: ({ since }) => (typeof since === 'number' ? moment(since) : '') },
  { title: 'Requests', numeric: true, cell: ({ pins }) => count(Number(pins ?? 0)) },
  { title: 'Routes', numeric: true, cell: ({ routes }) => (routes === null ? '' : count(Number(routes ?? 0))) },
  { title: 'State', cell: stateOf },
]

export class ConfigurationSection {
  #table = new Table(element('snapshots-table'), COLUMNS, { key: ({ version }) => String(version) })

  /** @param {ConfigurationStats} configuration @param {number} time unix ms at the gateway */
  show(configuration, time) {
    const { version, since, applied, rejected, lastError } = configuration
    setFacts(element('configuration-facts'), [
      ['Version', String(version)],
      ['Serves since', `${moment(since)} (${span(time - since)})`],
      ['Applied', count(applied)],
      ['Rejected', count(rejected)],
    ])
    const problems = lastError?.problems ?? []
    const summary = lastError === null ? 'None' : `${moment(lastError.time)}: ${plural(problems.length, 'problem')}`
    setText(element('last-error'), summary)
    setProblems(element('last-problems'), problems)
    element('rejected').hidden = lastError === null
    if (lastError === null) return
    setText(element('rejected-text'), `At ${moment(lastError.time)}. Version ${version} goes on serving.`)
    setProblems(element('rejected-problems'), problems.slice(0, 3))
  }

  /** @param {any} report */
  showSnapshots(report) {
    this.#table.show(Array.isArray(report.snapshots) ? report.snapshots : [], 'None')
  }

  /** @param {string} problem */
  failed(problem) {
    this.#table.show([], `They cannot be read: ${problem}`)
  }
}

/** @param {any} snapshot */
function stateOf({ retired, pins }) {
  if (retired !== true) return 'serves'
  return pins > 0 ? 'ends with its requests' : 'was there before'
}

/** @param {HTMLElement} list @param {readonly string[]} problems */
function setProblems(list, problems) {
  const left = problems.length - MOST_PROBLEMS
  setItems(list, left > 0 ? [...problems.slice(0, MOST_PROBLEMS), `and ${count(left)} more`] : problems)
}
