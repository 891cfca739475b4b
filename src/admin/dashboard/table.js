// A table whose rows are kept and moved, not made anew: a thousand of them change each second.
import { create, setParts, setText } from './page.js'

/** @typedef {import('./page.js').Part} Part */

/**
 * @template Row
 * @typedef {object} Column
 * @property {string} title
 * @property {boolean} [numeric]
 * @property {boolean} [heads] It names the row.
 * @property {(row: Row) => number | string} [sort] What the rows may be sorted by; numbers from the greatest down.
 * @property {(row: Row) => string | readonly Part[]} cell
 */

/** @template Row */
export class Table {
  /** @type {Map<string, { tr: HTMLTableRowElement, seen: number }>} */
  #rows = new Map()
  #generation = 0
  #body
  #columns
  #key
  #rowClass
  /** @type {HTMLTableRowElement} */
  #empty
  /** @type {Column<Row> | null} */
  #sorted = null
  /** The other way round. */
  #reversed = false

  /**
   * @param {HTMLTableElement} table
   * @param {readonly Column<Row>[]} columns
   * @param {{ key: (row: Row) => string, rowClass?: (row: Row) => string, onSort?: () => void }} options
   */
  constructor(table, columns, { key, rowClass = () => '', onSort = () => {} }) {
    const [head, body] = [table.tHead, table.tBodies[0]]
    if (head === null || body === undefined) throw new Error(`#${table.id} has no head or body`)
    this.#body = body
    this.#columns = columns
    this.#key = key
    this.#rowClass = rowClass
    this.#empty = create('tr', 'empty')
    const cell = this.#empty.insertCell()
    cell.colSpan = columns.length
    this.#makeHead(head, onSort)
  }

  /** Undefined: the order in which the rows come. */
  get order() {
    const by = this.#sorted?.sort
    if (by === undefined) return undefined
    const sign = this.#reversed ? -1 : 1
    return (/** @type {Row} */ a, /** @type {Row} */ b) => sign * compare(by(a), by(b))
  }

  /** @param {readonly Row[]} rows @param {string} whenEmpty */
  show(rows, whenEmpty) {
    this.#generation++
    rows.forEach((row, i) => {
      const tr = this.#row(row)
      const there = this.#body.rows[i]
      if (there !== tr) this.#body.insertBefore(tr, there ?? null)
    })
    for (const [key, { tr, seen }] of this.#rows) {
      if (seen === this.#generation) continue
      tr.remove()
      this.#rows.delete(key)
    }
    if (rows.length > 0) this.#empty.remove()
    else {
      const [cell] = this.#empty.cells
      if (cell !== undefined) setText(cell, whenEmpty)
      if (!this.#empty.isConnected) this.#body.append(this.#empty)
    }
  }

  /** @param {Row} row */
  #row(row) {
    const key = this.#key(row)
    let entry = this.#rows.get(key)
    if (entry === undefined) {
      entry = { tr: this.#make(), seen: 0 }
      this.#rows.set(key, entry)
    }
    entry.seen = this.#generation
    const { tr } = entry
    const className = this.#rowClass(row)
    if (tr.className !== className) tr.className = className
    this.#columns.forEach(({ cell }, i) => {
      const content = cell(row)
      const td = tr.cells[i]
      if (td === undefined) return
      if (typeof content === 'string') setText(td, content)
      else setParts(td, content)
    })
    return tr
  }

  #make() {
    const tr = document.createElement('tr')
    for (const { heads, numeric } of this.#columns) {
      const cell = document.createElement(heads === true ? 'th' : 'td')
      if (heads === true) cell.scope = 'row'
      if (numeric === true) cell.className = 'numeric'
      tr.append(cell)
    }
    return tr
  }

  /** @param {HTMLTableSectionElement} head @param {() => void} onSort */
  #makeHead(head, onSort) {
    const tr = head.insertRow()
    for (const column of this.#columns) {
      const th = create('th', column.numeric === true ? 'numeric' : '')
      th.scope = 'col'
      tr.append(th)
      if (column.sort === undefined) {
        th.textContent = column.title
        continue
      }
      const button = create('button', 'sort', column.title)
      button.type = 'button'
      button.addEventListener('click', () => {
        this.#reversed = this.#sorted === column && !this.#reversed
        this.#sorted = column
        this.#tellOrder(tr)
        onSort()
      })
      th.append(button)
      this.#sorted ??= column.numeric === true ? column : null
    }
    this.#tellOrder(tr)
  }

  /** @param {HTMLTableRowElement} tr */
  #tellOrder(tr) {
    this.#columns.forEach((column, i) => {
      const th = tr.cells[i]
      if (th === undefined || column.sort === undefined) return
      if (column !== this.#sorted) th.removeAttribute('aria-sort')
      else th.setAttribute('aria-sort', (column.numeric === true) === this.#reversed ? 'ascending' : 'descending')
    })
  }
}

/** @param {number | string} a @param {number | string} b */
function compare(a, b) {
  return typeof a === 'number' && typeof b === 'number' ? b - a : String(a).localeCompare(String(b), 'en')
}
