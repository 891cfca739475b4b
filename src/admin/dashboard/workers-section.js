// The processes that serve, one line each. There is nothing to see of a gateway that is one process.
import { element, setText } from './page.js'
import { Table } from './table.js'
import { bytes, count, duration, NOTHING, plural, rate, share } from './words.js'

/** @typedef {import('./figures.js').WorkerReading} WorkerReading */

/** Class, and a word with a shape. @type {Record<WorkerReading['state'], readonly [string, string]>} */
const STATES = {
  ready: ['up', '● Ready'],
  starting: ['warming', '◐ Starting'],
  unresponsive: ['down', '■ Hangs'],
}

/** @type {readonly import('./table.js').Column<WorkerReading>[]} */
const COLUMNS = [
  { title: 'Worker', heads: true, cell: ({ number }) => String(number) },
  { title: 'Process', numeric: true, cell: ({ pid }) => String(pid) },
  {
    title: 'State',
    cell: ({ state, stale }) => {
      const [className, word] = STATES[state]
      return [
        [`badge ${className}`, word],
        ['reason', stale && state === 'ready' ? 'did not answer' : ''],
      ]
    },
  },
  { title: 'Requests/s', numeric: true, cell: ({ requests }) => rate(requests) },
  { title: 'In flight', numeric: true, cell: ({ inFlight }) => (inFlight === null ? NOTHING : count(inFlight)) },
  { title: 'CPU', numeric: true, cell: ({ cpu }) => share(cpu) },
  { title: 'Memory', numeric: true, cell: ({ resident }) => bytes(resident) },
  { title: 'Loop lag p99', numeric: true, cell: ({ loopLag }) => duration(loopLag?.p99) },
  { title: 'Version', numeric: true, cell: ({ version }) => (version === null ? NOTHING : String(version)) },
  { title: 'Restarts', numeric: true, cell: ({ restarts }) => count(restarts) },
]

export class WorkersSection {
  /** @type {Table<WorkerReading>} */
  #table = new Table(element('workers-table'), COLUMNS, { key: ({ number }) => String(number) })

  /** @param {readonly WorkerReading[]} workers */
  show(workers) {
    element('workers').hidden = workers.length < 2
    if (workers.length < 2) return
    const ready = workers.filter(({ state }) => state === 'ready').length
    setText(element('workers-note'), `${plural(ready, 'process', 'processes')} of ${count(workers.length)} ready`)
    this.#table.show(workers, '')
  }
}
