// What counting one request costs on the main road; and what a scrape of a thousand routes holds up.
//   scripts/bench micro/metrics
import { performance } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { Durations } from '../../src/telemetry/durations.ts'
import { exposition, loadProm } from '../../src/telemetry/exposition.ts'
import { Metrics } from '../../src/telemetry/metrics.ts'
import { RequestMetrics } from '../../src/telemetry/request-metrics.ts'
import { measure } from './measure.ts'

const ROUTES = 1000
const SCRAPES = 20

const durations = Array.from({ length: 4096 }, () => Math.random() ** 4 * 1000)
const one = new Durations()
let i = 0
measure('duration', () => {
  one.record(durations[++i & 4095]!)
  return i
})
const metrics = new Metrics()
const requests = new RequestMetrics(metrics)
const routes = Array.from({ length: ROUTES }, (_, at) => requests.acquire(`route-${at}`))
for (const most of [1, ROUTES]) {
  measure(`request, ${most} routes`, () => {
    routes[++i % most]!.record('GET', 200, durations[i & 4095]!, 0, 69)
    return i
  })
}

loadProm() // as a gateway does before it listens
const held: number[] = []
const took: number[] = []
for (let scrape = 0; scrape < SCRAPES; scrape++) {
  let last = performance.now()
  let longest = 0
  const watch = (): void => {
    const time = performance.now()
    longest = Math.max(longest, time - last)
    last = time
    immediate = setImmediate(watch)
  }
  let immediate = setImmediate(watch)
  const start = performance.now()
  await exposition(metrics)
  took.push(performance.now() - start)
  clearImmediate(immediate)
  held.push(longest)
  await pause(10)
}
const sorted = held.toSorted((a, b) => a - b)
console.log(
  `scrape of ${ROUTES} routes: ${took.toSorted((a, b) => a - b)[SCRAPES >> 1]!.toFixed(1)} ms in all, the event loop held for` +
    ` ${sorted[SCRAPES >> 1]!.toFixed(2)} ms (median of the longest of ${SCRAPES} scrapes, worst ${sorted.at(-1)!.toFixed(2)})`,
)
