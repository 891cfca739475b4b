// Figures as a Markdown table and as a chart. The median, and in brackets the lowest and highest round.

export interface Figures {
  readonly load: string
  readonly peer: string
  /** microseconds per request, user and system */
  readonly cpu: readonly number[]
  /** to nginx in the same round */
  readonly cpuRatio: readonly number[]
  /** requests/s */
  readonly rate: readonly number[]
  readonly rateRatio: readonly number[]
  /** microseconds */
  readonly p50: readonly number[]
  readonly p99: readonly number[]
  readonly p999: readonly number[]
  /** kB */
  readonly rss: number
  /** bytes of V8 heap per request; null without V8 */
  readonly heap: number | null
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[sorted.length >> 1]!
}

export function spread(values: readonly number[], digits = 0): string {
  return `${median(values).toFixed(digits)} (${Math.min(...values).toFixed(digits)}-${Math.max(...values).toFixed(digits)})`
}

export function table(figures: readonly Figures[]): string {
  const lines = [
    '| load | peer | CPU us/request | times nginx | requests/s | times nginx | p50 / p99 / p99.9 ms | RSS MiB | heap B/request |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
  ]
  for (const { load, peer, cpu, cpuRatio, rate, rateRatio, p50, p99, p999, rss, heap } of figures) {
    const latency = [p50, p99, p999].map((values) => (median(values) / 1000).toFixed(2)).join(' / ')
    lines.push(
      `| ${load} | ${peer} | ${spread(cpu, 1)} | ${spread(cpuRatio, 2)} | ${spread(rate)} | ${spread(rateRatio, 2)} | ${latency} | ${(rss / 1024).toFixed(0)} | ${heap === null ? '' : heap.toFixed(0)} |`,
    )
  }
  return lines.join('\n') + '\n'
}

const BAR = 18
const GAP = 6
const LABEL = 170
const WIDTH = 760

/** CPU per request relative to nginx: a bar per peer, a block per load; the thin line is the spread. */
export function chart(figures: readonly Figures[]): string {
  const loads = [...new Set(figures.map(({ load }) => load))]
  const largest = Math.max(...figures.map(({ cpuRatio }) => median(cpuRatio)))
  const scale = (WIDTH - LABEL - 70) / largest
  const parts: string[] = []
  let y = 24
  for (const load of loads) {
    parts.push(`<text x="8" y="${y}" font-weight="bold">CPU per request, times nginx: ${load}</text>`)
    y += 12
    for (const figure of figures.filter((each) => each.load === load)) {
      const ratio = median(figure.cpuRatio)
      const [low, high] = [Math.min(...figure.cpuRatio), Math.max(...figure.cpuRatio)]
      const middle = y + BAR / 2
      parts.push(
        `<text x="${LABEL - 8}" y="${middle + 4}" text-anchor="end">${figure.peer}</text>`,
        `<rect x="${LABEL}" y="${y}" width="${(ratio * scale).toFixed(1)}" height="${BAR}" fill="${figure.peer.startsWith('sluice') ? '#2a78b8' : '#9aa3ab'}"/>`,
        `<line x1="${(LABEL + low * scale).toFixed(1)}" x2="${(LABEL + Math.min(high, largest) * scale).toFixed(1)}" y1="${middle}" y2="${middle}" stroke="#222"/>`,
        `<text x="${(LABEL + ratio * scale + 6).toFixed(1)}" y="${middle + 4}">${ratio.toFixed(2)}</text>`,
      )
      y += BAR + GAP
    }
    y += 24
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y}" font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/>${parts.join('')}</svg>\n`
}
