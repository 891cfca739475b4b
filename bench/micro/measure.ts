// ns and bytes of heap per call: the median of fifteen rounds, each long enough to be told from noise.

const ROUNDS = 15
const ROUND_MS = 40

let sink = 0

/** Prints one line. `call` returns a number, so that its work cannot be optimised away. */
export function measure(name: string, call: () => number): void {
  let calls = 1000
  const run = (count: number): number => {
    const start = performance.now()
    for (let i = 0; i < count; i++) sink ^= call()
    return performance.now() - start
  }
  run(20_000)
  while (run(calls) < ROUND_MS) calls *= 2
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) times.push((run(calls) / calls) * 1e6)
  times.sort((a, b) => a - b)
  console.log(
    `${name}: ${times[ROUNDS >> 1]!.toFixed(0)} ns (${times[0]!.toFixed(0)}-${times.at(-1)!.toFixed(0)}), ${bytesPerCall(call).toFixed(0)} B`,
  )
}

/** Few enough calls that the young generation does not fill up meanwhile. */
function bytesPerCall(call: () => number): number {
  const calls = 2000
  const samples: number[] = []
  for (let i = 0; i < 9; i++) {
    gc!()
    const before = process.memoryUsage().heapUsed
    for (let k = 0; k < calls; k++) sink ^= call()
    samples.push((process.memoryUsage().heapUsed - before) / calls)
  }
  return Math.max(0, samples.sort((a, b) => a - b)[4]!)
}
