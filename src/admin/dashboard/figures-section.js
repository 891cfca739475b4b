// The charts, and the figures of the process below them.
import { Chart } from './chart.js'
import { element, setFacts, setText } from './page.js'
import { bytes, count, duration, NOTHING, rate, share, span } from './words.js'

/** @typedef {import('./figures.js').Reading} Reading */

/** @type {readonly import('./chart.js').Card[]} */
const CARDS = [
  {
    title: 'Requests',
    least: 5,
    lines: [
      { label: 'Requests/s', tone: 'one', stroke: 'area', value: ({ traffic }) => traffic.requests, format: rate },
      { label: '4xx/s', tone: 'warn', stroke: 'dashed', value: ({ traffic }) => traffic.clientErrors, format: rate },
      { label: '5xx/s', tone: 'bad', stroke: 'solid', value: ({ traffic }) => traffic.serverErrors, format: rate },
    ],
  },
  {
    title: 'Latency',
    least: 1,
    lines: [
      { label: 'p50', tone: 'one', stroke: 'area', value: latency('p50'), format: duration },
      { label: 'p90', tone: 'two', stroke: 'dashed', value: latency('p90'), format: duration },
      { label: 'p99', tone: 'three', stroke: 'solid', value: latency('p99'), format: duration },
    ],
  },
  {
    title: 'Concurrency',
    least: 5,
    lines: [
      { label: 'In flight', tone: 'one', stroke: 'area', value: ({ stats }) => stats.requests.inFlight, format: whole },
      {
        label: 'Clients',
        tone: 'two',
        stroke: 'dashed',
        value: ({ stats }) => stats.connections.clients,
        format: whole,
      },
      {
        label: 'Upstreams',
        tone: 'three',
        stroke: 'dotted',
        value: ({ stats }) => stats.connections.upstreams,
        format: whole,
      },
    ],
  },
  {
    title: 'Event loop lag',
    least: 1,
    lines: [
      { label: 'p50', tone: 'one', stroke: 'area', value: ({ stats }) => stats.process.loopLag.p50, format: duration },
      {
        label: 'p99',
        tone: 'three',
        stroke: 'solid',
        value: ({ stats }) => stats.process.loopLag.p99,
        format: duration,
      },
      {
        label: 'Longest',
        tone: 'two',
        stroke: 'dotted',
        value: ({ stats }) => stats.process.loopLag.max,
        format: duration,
      },
    ],
  },
  {
    title: 'Memory',
    least: 1 << 20,
    steps: Array.from({ length: 30 }, (_, i) => 2 ** (i + 12)),
    lines: [
      { label: 'Resident', tone: 'one', stroke: 'area', value: ({ stats }) => stats.process.resident, format: bytes },
      {
        label: 'Heap used',
        tone: 'two',
        stroke: 'dashed',
        value: ({ stats }) => stats.process.heapUsed,
        format: bytes,
      },
      {
        label: 'Buffers',
        tone: 'three',
        stroke: 'dotted',
        value: ({ stats }) => stats.process.external,
        format: bytes,
      },
    ],
  },
  {
    title: 'CPU',
    least: 0.1,
    lines: [
      { label: 'Of one core', tone: 'one', stroke: 'area', value: ({ cpu }) => cpu, format: share },
      { label: 'Garbage collection', tone: 'three', stroke: 'solid', value: ({ gc }) => gc, format: share },
    ],
  },
]

/** @param {'p50' | 'p90' | 'p99'} name @returns {(reading: Reading) => number | null} */
function latency(name) {
  return ({ stats }) => stats.requests.latency?.[name] ?? null
}

/** @param {number | null} value */
function whole(value) {
  return value === null ? NOTHING : count(Math.round(value))
}

export class FiguresSection {
  #charts = CARDS.map((card) => new Chart(element('charts'), card))

  /** @param {Reading} reading */
  show(reading) {
    for (const chart of this.#charts) chart.add(reading.stats.time / 1000, reading)
    setFacts(element('details'), facts(reading))
    const { uptime, pid } = reading.stats
    setText(element('uptime'), `up ${span(uptime)}, process ${pid}`)
  }

  /** The gateway is away: the lines have a gap. */
  gap() {
    for (const chart of this.#charts) chart.gap()
  }
}

/** @param {Reading} reading @returns {readonly (readonly [string, string])[]} */
function facts({ stats, traffic, logs, spans }) {
  const { process, requests } = stats
  const { exchanges, gc, descriptors } = process
  return [
    ['Received', `${bytes(traffic.bytesIn)}/s`],
    ['Sent', `${bytes(traffic.bytesOut)}/s`],
    ['Requests so far', count(requests.total)],
    ['p99.9, longest', `${duration(requests.latency?.p999)}, ${duration(requests.latency?.max)}`],
    ['Exchanges', `${count(exchanges.active)} active, ${count(exchanges.pooled)} pooled`],
    ['Heap', `${bytes(process.heapUsed)} of ${bytes(process.heapTotal)}`],
    ['Longest GC pause', duration(gc.longest)],
    ['Descriptors', descriptors === null ? NOTHING : count(descriptors)],
    ['Log lines', `${rate(logs)}/s, ${count(stats.logs.dropped)} lost`],
    ['Spans', stats.spans === null ? 'off' : `${rate(spans)}/s, ${count(stats.spans.dropped)} lost`],
  ]
}
