// A card with a few figures and their last five minutes. The lines differ in their strokes too, not in colour alone.
import { create, setText } from './page.js'
import { NOTHING } from './words.js'

/** @typedef {import('./figures.js').Reading} Reading */

/**
 * @typedef {object} Line
 * @property {string} label
 * @property {'one' | 'two' | 'three' | 'warn' | 'bad'} tone
 * @property {'area' | 'solid' | 'dashed' | 'dotted'} stroke
 * @property {(reading: Reading) => number | null} value
 * @property {(value: number | null) => string} format
 */

/**
 * @typedef {object} Card
 * @property {string} title
 * @property {number} least The vertical axis goes up to here at least.
 * @property {number[]} [steps] Distances between its marks; absent: decimal ones.
 * @property {readonly Line[]} lines
 */

/** @type {typeof import('uplot')} */
const uPlot = /** @type {any} */ (globalThis).uPlot

const LONGEST_SPAN = 300
const SHORTEST_SPAN = 60
/** s between the marks of time */
const TIME_STEPS = [15, 30, 60, 120, 300]
const DASHES = { area: [], solid: [], dashed: [6, 4], dotted: [2, 3] }
/** A screen reader that rests on a chart must not be told each second. */
const TELL_EVERY = 10

export class Chart {
  /** @type {number[]} Seconds */
  #times = []
  /** @type {(number | null)[][]} */
  #values
  /** @type {HTMLElement[]} */
  #figures = []
  #card
  #when
  #host
  #plot
  #shows = 0
  /** s that are shown: few at first. */
  #span = SHORTEST_SPAN

  /** @param {HTMLElement} parent @param {Card} card */
  constructor(parent, card) {
    this.#card = card
    this.#values = card.lines.map(() => [])
    const article = create('article', 'card chart-card')
    const head = create('div', 'chart-head')
    this.#when = create('p', 'muted chart-when', this.#past())
    this.#when.setAttribute('aria-hidden', 'true')
    head.append(create('h3', '', card.title), this.#when)
    this.#host = create('div', 'chart')
    this.#host.setAttribute('role', 'img')
    this.#host.setAttribute('aria-label', `${card.title}: nothing yet`)
    article.append(head, this.#makeFigures(), this.#host)
    parent.append(article)
    this.#plot = new uPlot(this.#options(), this.#data(), this.#host)
    new ResizeObserver(() => this.#resize()).observe(this.#host)
    document.addEventListener('themechange', () => this.#plot.redraw(false, true))
    document.fonts?.ready.then(() => this.#plot.redraw(false, true)).catch(() => {})
  }

  /** The line is broken here. In time it is where the latest report was: the clock of this machine may be another one. */
  gap() {
    const latest = this.#times.at(-1)
    if (latest !== undefined) this.#push(latest + 0.001, null)
  }

  /** @param {number} time unix s at the gateway @param {Reading} reading */
  add(time, reading) {
    const latest = this.#times.at(-1) ?? 0
    if (time === latest) return
    // Its clock was set back: what is older lies in its future.
    if (time < latest) this.#clear()
    this.#push(time, reading)
    while ((this.#times[0] ?? time) < time - LONGEST_SPAN) {
      this.#times.shift()
      for (const column of this.#values) column.shift()
    }
    this.#plot.setData(this.#data(), false)
    this.#span = Math.min(LONGEST_SPAN, Math.max(SHORTEST_SPAN, time - (this.#times[0] ?? time)))
    this.#plot.setScale('x', { min: time - this.#span, max: time })
    this.#read()
    if (this.#shows++ % TELL_EVERY === 1) this.#host.setAttribute('aria-label', this.#summary())
  }

  #clear() {
    this.#times.length = 0
    for (const column of this.#values) column.length = 0
  }

  /** @param {number} time @param {Reading | null} reading */
  #push(time, reading) {
    this.#times.push(time)
    this.#card.lines.forEach(({ value }, i) => this.#values[i]?.push(reading === null ? null : value(reading)))
  }

  #data() {
    return /** @type {import('uplot').AlignedData} */ ([this.#times, ...this.#values])
  }

  #makeFigures() {
    const list = create('dl', 'figures')
    for (const { label, tone, stroke } of this.#card.lines) {
      const figure = create('div', 'figure')
      const term = create('dt')
      term.append(create('span', `key ${tone} ${stroke}`), label)
      const value = create('dd', '', NOTHING)
      figure.append(term, value)
      list.append(figure)
      this.#figures.push(value)
    }
    return list
  }

  /** The figures are those under the pointer, else the latest. */
  #read() {
    const at = this.#plot?.cursor.idx ?? null
    const row = at ?? this.#times.length - 1
    this.#card.lines.forEach(({ format }, i) => {
      const [node, value] = [this.#figures[i], this.#values[i]?.[row] ?? null]
      if (node !== undefined) setText(node, format(value))
    })
    const time = at === null ? undefined : this.#times[at]
    setText(this.#when, time === undefined ? this.#past() : new Date(time * 1000).toLocaleTimeString('en-GB'))
  }

  #past() {
    return `last ${Math.ceil(this.#span / 60)} min`
  }

  #summary() {
    const parts = this.#card.lines.map(({ label, format }, i) => {
      const known = (this.#values[i] ?? []).filter((value) => value !== null)
      if (known.length === 0) return `${label}: not known`
      const [low, high] = [Math.min(...known), Math.max(...known)]
      return `${label}: now ${format(known.at(-1) ?? null)}, lowest ${format(low)}, highest ${format(high)}`
    })
    return `${this.#card.title}, ${this.#past()}. ${parts.join('. ')}.`
  }

  #resize() {
    const { clientWidth: width, clientHeight: height } = this.#host
    if (width > 0 && (width !== this.#plot.width || height !== this.#plot.height)) this.#plot.setSize({ width, height })
  }

  /** @returns {import('uplot').Options} */
  #options() {
    const { lines, least, steps } = this.#card
    const axis = { stroke: () => colour('--muted'), font: '11px Arial, sans-serif', ticks: { show: false } }
    const grid = { stroke: () => colour('--grid'), width: 1 }
    return {
      width: this.#host.clientWidth || 300,
      height: this.#host.clientHeight || 120,
      legend: { show: false },
      padding: [8, 16, 0, 0],
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 }, sync: { key: 'figures' } },
      hooks: { setCursor: [() => this.#read()] },
      scales: { y: { range: (_, __, max) => [0, Math.max(least, (max ?? 0) * 1.12)] } },
      axes: [
        {
          ...axis,
          grid: { show: false },
          size: 22,
          gap: 4,
          space: 56,
          incrs: TIME_STEPS,
          values: (_, ticks) => clocks(ticks),
        },
        {
          ...axis,
          grid,
          size: 52,
          gap: 6,
          space: 28,
          values: (_, ticks) => ticks.map((tick) => this.#tick(tick)),
          ...(steps === undefined ? {} : { incrs: steps }),
        },
      ],
      series: [
        {},
        ...lines.map(({ label, tone, stroke }) => ({
          label,
          stroke: () => colour(`--${tone}`),
          width: 1.5,
          dash: DASHES[stroke],
          points: { show: false },
          ...(stroke === 'area' ? { fill: () => colour(`--${tone}-fill`) } : {}),
        })),
      ],
    }
  }

  /** @param {number} tick */
  #tick(tick) {
    return tick === 0 ? '0' : (this.#card.lines[0]?.format(tick) ?? '')
  }
}

/** @param {readonly number[]} ticks unix s */
function clocks(ticks) {
  const second = ticks.some((tick) => tick % 60 !== 0) ? /** @type {const} */ ('2-digit') : undefined
  return ticks.map((tick) =>
    new Date(tick * 1000).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit', second }),
  )
}

/** @param {string} name of a property in colours.css */
function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim()
}
