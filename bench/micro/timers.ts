// Arming and disarming a timeout on the wheel, beside setTimeout and clearTimeout, with 10,000 others armed.
//   scripts/bench micro/timers
import { Timer, TimerWheel } from '../../src/base/timer-wheel.ts'
import { measure } from './measure.ts'

const OTHERS = 10_000

let clock = 0
const wheel = new TimerWheel(() => clock)
for (let i = 0; i < OTHERS; i++) wheel.arm(new Timer(() => {}), 1000 + (i % 30_000))
const timer = new Timer(() => {})
measure('timer wheel: arm and disarm', () => {
  wheel.arm(timer, 15_000)
  wheel.disarm(timer)
  return wheel.size
})
measure('timer wheel: arm again without disarming', () => {
  wheel.arm(timer, 15_000)
  return wheel.size
})
measure('timer wheel: one tick', () => {
  clock += 10
  wheel.arm(timer, 15_000)
  wheel.advance()
  return wheel.size
})
const others = Array.from({ length: OTHERS }, (_, i) => setTimeout(() => {}, 1e8 + i))
measure('setTimeout and clearTimeout', () => {
  clearTimeout(setTimeout(() => {}, 15_000))
  return 0
})
for (const each of others) clearTimeout(each)
process.exit()
