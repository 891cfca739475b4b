// What the health of upstreams costs each request.
//   scripts/bench micro/health
import { now } from '../../src/base/clock.ts'
import { TimerWheel } from '../../src/base/timer-wheel.ts'
import { CircuitBreaker } from '../../src/upstreams/health/breaker.ts'
import { SUCCEEDED } from '../../src/contract/upstream.ts'
import { OutlierDetector } from '../../src/upstreams/health/outlier.ts'
import { SlidingWindow } from '../../src/upstreams/health/window.ts'
import { measure } from './measure.ts'

const wheel = new TimerWheel()
// Latencies of all sizes, so that the buckets are not always the same.
const LATENCIES = Float64Array.from({ length: 1024 }, (_, i) => 0.1 * 1.01 ** i)
let at = 0

const window = new SlidingWindow(10_000, now)
measure('record of the window', () => {
  window.record((at & 7) === 0, LATENCIES[at++ & 1023]!)
  return at
})
measure('p95 of the window', () => window.quantile(0.95))

const breaker = new CircuitBreaker(
  { window: 10_000, minimum: 20, failures: 0.5, latency: 1e9, open: 5000, probes: 3 },
  wheel,
  now,
)
measure('admits, begin and end of a closed breaker', () => {
  if (!breaker.admits) return 0
  breaker.end(breaker.begin(), SUCCEEDED, LATENCIES[at++ & 1023]!)
  return at
})

const detector = new OutlierDetector(
  {
    consecutive: 5,
    interval: 10_000,
    ejection: 30_000,
    maxEjection: 300_000,
    maxEjected: 0.5,
    successRate: { minimumRequests: 100, minimumEndpoints: 5, deviations: 1.9 },
    latency: { factor: 3, minimumRequests: 100 },
  },
  wheel,
  now,
)
const records = Array.from({ length: 8 }, (_, i) => detector.join(`endpoint-${i}`))
measure('observe of the outlier record', () => {
  records[at & 7]!.observe(false, LATENCIES[at & 1023]!)
  return at++
})
detector.close()
