// What belongs to one address and outlives every snapshot: its connections, what is on them, and how fast it answers.
import { now } from '../base/clock.ts'
import type { Transport } from '../contract/transport.ts'
import { Durations } from '../telemetry/durations.ts'
import { PeakEwma } from './balance/peak-ewma.ts'
import { SlidingWindow } from './health/window.ts'

/** ms that the latencies of an endpoint are looked back at. */
const LATENCY_WINDOW = 30_000

export class LiveEndpoint {
  readonly url: string
  readonly transport: Transport
  /** Requests on their way. */
  inFlight = 0
  /** Requests since it was made. */
  requests = 0
  /** Of those, failures that were its own. */
  failures = 0
  /** 0 to 1 as it reports itself; -1 when it does not. */
  reportedLoad = -1
  /** To the head of the reply. */
  readonly durations = new Durations()
  readonly latency = new PeakEwma()
  readonly latencies = new SlidingWindow(LATENCY_WINDOW, now)

  constructor(url: string, transport: Transport) {
    this.url = url
    this.transport = transport
  }
}
