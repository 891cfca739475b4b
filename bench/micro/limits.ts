// One decision of a local limit: of a key that is known, of one of many, and of keys that were never seen.
//   scripts/bench micro/limits
import { now } from '../../src/base/clock.ts'
import { createLogger } from '../../src/telemetry/logger.ts'
import { Metrics } from '../../src/telemetry/metrics.ts'
import type { Algorithm } from '../../src/contract/limits.ts'
import { LimitRoom } from '../../src/limits/limits.ts'
import { measure } from './measure.ts'

const KEYS = 100_000
const MILLION = 1_000_000

const limits = new LimitRoom(createLogger('silent'), new Metrics())
const addresses = Array.from({ length: KEYS }, (_, i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`)
for (const algorithm of ['token-bucket', 'leaky-bucket', 'sliding-window', 'fixed-window'] as Algorithm[]) {
  const rule = { algorithm, amount: 1e6, window: 1000, burst: 1e6, maxWait: 0 }
  const limit = limits.open(rule, { name: 'bench', maxKeys: MILLION, redis: '' })
  measure(`${algorithm}: one key`, () => Number(limit.take('203.0.113.7', false)))
  let i = 0
  measure(`${algorithm}: ${KEYS} keys`, () => Number(limit.take(addresses[i++ % KEYS]!, false)))
}

const rule = { algorithm: 'token-bucket' as const, amount: 10, window: 1000, burst: 10, maxWait: 0 }
const limit = limits.open(rule, { name: 'flood', maxKeys: MILLION, redis: '' })
const before = process.memoryUsage().arrayBuffers
let seen = 0
measure('token-bucket: keys never seen before', () => Number(limit.take(`random-${seen++}`, false)))
measure('token-bucket: one key during that flood', () => Number(limit.take('203.0.113.7', false)))
console.log(
  `${seen} distinct keys: ${((process.memoryUsage().arrayBuffers - before) / 1024 / 1024).toFixed(1)} MiB (${now().toFixed(0)} ms)`,
)
