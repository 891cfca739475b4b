// Rates out of counters: what a StatsReport or an UpstreamReport says, against the one before. Shared with `sluice top`.

/** @typedef {import('../stats-report.ts').StatsReport} StatsReport */
/** @typedef {import('../stats-report.ts').TrafficStats} TrafficStats */
/** @typedef {import('../stats-report.ts').WorkerStats} WorkerStats */
/** @typedef {import('../../telemetry/latencies.ts').LatencyStats} LatencyStats */
/** @typedef {import('../../upstreams/report.ts').UpstreamReport} UpstreamReport */

/**
 * @typedef {object} TrafficFigures rates per second; null as long as only one report is known
 * @property {number | null} requests
 * @property {number | null} clientErrors
 * @property {number | null} serverErrors
 * @property {number | null} bytesIn
 * @property {number | null} bytesOut
 */

/** Counters by name, each with what it said before. */
export class Counters {
  /** @type {Map<string, number>} */
  #before = new Map()
  /** @type {Map<string, number>} */
  #now = new Map()
  /** ms between the two; 0: there is no report before */
  #passed = 0
  #at = -1

  /** Another report is read from here on. @param {number} at ms of a clock that never goes back */
  next(at) {
    // The same report again: its rates are the same too.
    if (at === this.#at) return
    this.#passed = this.#at < 0 ? 0 : at - this.#at
    this.#at = at
    this.#before = this.#now
    this.#now = new Map()
  }

  /** @param {string} name @param {number} value @returns {number | null} per second */
  rate(name, value) {
    this.#now.set(name, value)
    const before = this.#before.get(name)
    if (before === undefined || this.#passed <= 0) return null
    // Less than before: whatever counted was replaced, and counts from zero.
    return ((value < before ? value : value - before) * 1000) / this.#passed
  }

  /** @param {string} name @param {TrafficStats} traffic @returns {TrafficFigures} */
  traffic(name, traffic) {
    return {
      requests: this.rate(`${name} total`, traffic.total),
      clientErrors: this.rate(`${name} client`, traffic.clientErrors),
      serverErrors: this.rate(`${name} server`, traffic.serverErrors),
      bytesIn: this.rate(`${name} in`, traffic.bytesIn),
      bytesOut: this.rate(`${name} out`, traffic.bytesOut),
    }
  }
}

/** @param {StatsReport} before @param {StatsReport} now Is it another process, or the same one from its start? */
export function isRestart(before, now) {
  return now.pid !== before.pid || now.uptime < before.uptime
}

/** Reports of the gateway in a row, as rates. */
export class Figures {
  #counters = new Counters()
  /** @type {StatsReport | null} */
  #before = null
  restarts = 0

  /** @param {StatsReport} stats */
  read(stats) {
    if (this.#before !== null && isRestart(this.#before, stats)) {
      this.#counters = new Counters()
      this.restarts++
    }
    this.#before = stats
    const counters = this.#counters
    counters.next(stats.uptime)
    const { process, logs, spans } = stats
    return {
      stats,
      traffic: counters.traffic('gateway', stats.requests),
      /** Cores that are busy: 1 is one core. */
      cpu: counters.rate('cpu', process.cpu),
      /** Part of the time that went into garbage collection. */
      gc: perSecondToShare(counters.rate('gc', process.gc.total)),
      logs: counters.rate('logs', logs.written),
      spans: spans === null ? null : counters.rate('spans', spans.exported),
      routes: stats.routes.map((route) => ({ ...route, ...counters.traffic(`route ${route.name}`, route) })),
      upstreams: stats.upstreams.map((upstream) => ({
        ...upstream,
        requests: counters.rate(`upstream ${upstream.name} total`, upstream.total),
        failures: counters.rate(`upstream ${upstream.name} failures`, upstream.failures),
      })),
      workers: (stats.workers ?? []).map((worker) => workerReading(worker, counters)),
    }
  }
}

/**
 * One that took the place of another counts anew.
 *
 * @param {WorkerStats} worker
 * @param {Counters} counters
 */
function workerReading(worker, counters) {
  const name = `worker ${worker.number} ${worker.pid}`
  const rate = (/** @type {string} */ what, /** @type {number | null} */ value) =>
    value === null ? null : counters.rate(`${name} ${what}`, value)
  return { ...worker, requests: rate('requests', worker.requests), cpu: rate('cpu', worker.cpu) }
}

/** @typedef {ReturnType<Figures['read']>} Reading */
/** @typedef {Reading['workers'][number]} WorkerReading */
/** @typedef {Reading['routes'][number]} RouteReading */

/** @param {number | null} milliseconds per second */
function perSecondToShare(milliseconds) {
  return milliseconds === null ? null : Math.min(1, milliseconds / 1000)
}

/** @param {TrafficFigures} figures @returns {number | null} errors of any kind, per second */
export function errorsOf({ clientErrors, serverErrors }) {
  return clientErrors === null || serverErrors === null ? null : clientErrors + serverErrors
}

/**
 * How an endpoint is, in one word, with the reason.
 *
 * @param {UpstreamReport['endpoints'][number]} endpoint
 * @returns {{ state: 'up' | 'warming' | 'out' | 'down', word: string, reason: string }}
 */
export function healthOf(endpoint) {
  const { state, word, reason } = ownHealth(endpoint)
  const { unhealthyIn = [] } = endpoint
  if (unhealthyIn.length === 0) return { state, word, reason }
  const where = `in ${unhealthyIn.length === 1 ? 'worker' : 'workers'} ${unhealthyIn.join(', ')} only`
  return { state, word, reason: reason === '' ? where : `${reason}, ${where}` }
}

/**
 * @param {UpstreamReport['endpoints'][number]} endpoint
 * @returns {{ state: 'up' | 'warming' | 'out' | 'down', word: string, reason: string }}
 */
function ownHealth(endpoint) {
  const { check, outlier, breaker } = endpoint
  if (check !== null && !check.healthy) {
    return { state: 'down', word: 'Down', reason: check.lastError || 'health check fails' }
  }
  if (outlier !== null && outlier.ejected) {
    const seconds = Math.ceil(outlier.endsIn / 1000)
    return { state: 'out', word: 'Ejected', reason: `${outlier.reason}, back in ${seconds} s` }
  }
  if (breaker !== null && breaker.state !== 'closed') {
    return { state: 'out', word: 'Broken', reason: `circuit breaker ${breaker.state}` }
  }
  if (!endpoint.healthy) return { state: 'down', word: 'Down', reason: '' }
  if (endpoint.warming) return { state: 'warming', word: 'Warming', reason: 'slow start' }
  return { state: 'up', word: 'Up', reason: '' }
}

/**
 * How an upstream is as a whole.
 *
 * @param {UpstreamReport} upstream
 * @returns {{ state: 'up' | 'out' | 'down', word: string, reason: string }}
 */
export function upstreamHealth(upstream) {
  const { endpoints, breaker, panic, discovery } = upstream
  const healthy = endpoints.filter((endpoint) => healthOf(endpoint).state !== 'down' && endpoint.healthy).length
  const word = `${healthy} of ${endpoints.length} up`
  const reasons = []
  if (panic) reasons.push('panic: health is not looked at')
  if (breaker !== null && breaker.state !== 'closed') reasons.push(`circuit breaker ${breaker.state}`)
  if (discovery !== null && discovery.error !== null) reasons.push(`discovery: ${discovery.error}`)
  const reason = reasons.join('; ')
  if (healthy === 0) return { state: 'down', word, reason }
  return { state: healthy < endpoints.length || reason !== '' ? 'out' : 'up', word, reason }
}
