// The parts of one endpoint of an upstream, borrowed from the live state: connections, checks, breaker, record.
import { UndiciTransport } from './undici/transport.ts'
import type { UpstreamConfig } from '../config/upstream-schema.ts'
import type { BorrowedMember } from './cluster.ts'
import type { DiscoveredEndpoint } from './discovery/source.ts'
import { ActiveCheck, type ActiveCheckOptions } from './health/active-check.ts'
import { CircuitBreaker, type BreakerOptions } from './health/breaker.ts'
import { OutlierDetector, type OutlierOptions } from './health/outlier.ts'
import { LiveEndpoint } from './live-endpoint.ts'
import type { UpstreamStates } from './states.ts'
import { Watched } from './watched.ts'
import type { WireOptions } from './wire/options.ts'
import { WireTransport } from './wire/transport.ts'

/** How the endpoints of one upstream are reached and watched. null: not. */
export interface MemberOptions {
  readonly upstream: string
  readonly transport: NonNullable<UpstreamConfig['transport']>
  readonly wire: WireOptions
  readonly check: ActiveCheckOptions | null
  readonly outlier: OutlierOptions | null
  readonly breaker: BreakerOptions | null
}

export function borrowMember(
  { url }: DiscoveredEndpoint,
  options: MemberOptions,
  states: UpstreamStates,
): BorrowedMember {
  const { upstream, transport, wire } = options
  const releases: (() => void)[] = []
  const key = JSON.stringify([upstream, url, transport, wire])
  const live = states.endpoints.acquire(key, () => new LiveEndpoint(url, openTransport(transport, url, wire, states)))
  releases.push(() => states.endpoints.release(key))
  const check = options.check === null ? null : borrowCheck(url, upstream, options.check, states, releases)
  const record = options.outlier === null ? null : borrowRecord(url, upstream, options.outlier, states, releases)
  const breaker =
    options.breaker === null ? null : borrowBreaker(JSON.stringify([upstream, url]), options.breaker, states, releases)
  return {
    live,
    watch: { check: check?.value ?? null, record: record?.value ?? null, breaker: breaker?.value ?? null },
    listen(changed) {
      for (const watched of [check, record, breaker]) if (watched !== null) releases.push(watched.listen(changed))
    },
    release() {
      for (const release of releases.splice(0).toReversed()) release()
    },
  }
}

function borrowCheck(
  url: string,
  upstream: string,
  options: ActiveCheckOptions,
  { checks, serving, wheel }: UpstreamStates,
  releases: (() => void)[],
): Watched<ActiveCheck> {
  const key = JSON.stringify([upstream, url, options])
  releases.push(() => checks.release(key))
  return checks.acquire(key, () => {
    const check = new ActiveCheck(url, options, wheel)
    if (serving) check.start()
    return new Watched(check)
  })
}

function borrowRecord(
  url: string,
  upstream: string,
  options: OutlierOptions,
  { detectors, records, wheel, clock }: UpstreamStates,
  releases: (() => void)[],
) {
  const groupKey = JSON.stringify([upstream, options])
  const key = JSON.stringify([upstream, url, options])
  const detector = detectors.acquire(groupKey, () => new OutlierDetector(options, wheel, clock))
  const { watched } = records.acquire(key, () => {
    const record = detector.join(url)
    return { watched: new Watched(record), leave: () => detector.leave(record) }
  })
  releases.push(
    () => detectors.release(groupKey),
    () => records.release(key),
  )
  return watched
}

/** `of`: whose breaker it is. */
export function borrowBreaker(
  of: string,
  options: BreakerOptions,
  { breakers, wheel, clock }: UpstreamStates,
  releases: (() => void)[],
): Watched<CircuitBreaker> {
  const key = JSON.stringify([of, options])
  releases.push(() => breakers.release(key))
  return breakers.acquire(key, () => new Watched(new CircuitBreaker(options, wheel, clock)))
}

/** The own client wherever it can speak, HTTP/1.1 without TLS, unless it is not wanted. */
function openTransport(
  kind: MemberOptions['transport'],
  url: string,
  options: WireOptions,
  { wheel }: UpstreamStates,
): UndiciTransport | WireTransport {
  // Also of endpoints that are found: what is meant for TLS must never be sent in the clear.
  const wire = kind !== 'undici' && new URL(url).protocol === 'http:'
  return wire ? new WireTransport(url, options, wheel) : new UndiciTransport(url, options, wheel)
}
