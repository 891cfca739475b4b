// The first rows of a long list, with a filter and a way to see them all.
import { element, setText } from './page.js'
import { count } from './words.js'

/** @template Row */
export class LongList {
  #id
  #first
  #text
  #changed
  #all = false
  #filter = ''

  /**
   * @param {string} id of the section; its filter, button and note follow from it
   * @param {{ first: number, text: (row: Row) => string, changed: () => void }} options text: what the filter looks at
   */
  constructor(id, { first, text, changed }) {
    this.#id = id
    this.#first = first
    this.#text = text
    this.#changed = changed
    element(`${id}-filter`).addEventListener('input', (/** @type {any} */ event) => {
      this.#filter = event.target.value.trim().toLowerCase()
      changed()
    })
    element(`${id}-all`).addEventListener('click', () => this.#toggle())
  }

  #toggle() {
    this.#all = !this.#all
    element(`${this.#id}-all`).setAttribute('aria-pressed', String(this.#all))
    this.#changed()
  }

  /** @param {readonly Row[]} rows in order @param {string} note what else is to be said @returns {readonly Row[]} */
  pick(rows, note) {
    const filter = this.#filter
    const found = filter === '' ? rows : rows.filter((row) => this.#text(row).toLowerCase().includes(filter))
    const shown = this.#all ? found : found.slice(0, this.#first)
    const whole = `${count(shown.length)} of ${count(rows.length)}${note === '' ? '' : `, ${note}`}`
    setText(element(`${this.#id}-note`), rows.length === 0 ? '' : whole)
    element(`${this.#id}-all`).hidden = found.length <= this.#first
    return shown
  }

  get filter() {
    return this.#filter
  }
}
