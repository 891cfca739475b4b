// Time that passes when the test says so, for the timers as well.
import { TimerWheel } from '../../src/base/timer-wheel.ts'

export class SimulatedTime {
  now = 0
  readonly clock = (): number => this.now
  readonly wheel = new TimerWheel(this.clock)

  /** Lets `ms` pass; the timers look at the clock every `step` of them. */
  pass(ms: number, step = 10): void {
    for (let left = ms; left > 0; left -= step) {
      this.now += Math.min(step, left)
      this.wheel.advance()
    }
  }
}
