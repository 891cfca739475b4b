// Counters over the last while: a ring of slices of time, and the sums over all of them. To count is two increments and
// one comparison of the clock (bench/micro/health.ts); the past is paid for once a slice, by whoever comes next.
//
//   slices   [ 4 ][ 0 ][ 7 ][ 2 ] ... [ 1 ]     each `columns` counters, side by side
//                        ^ present, until #until; the one after it is the oldest
//   sums     [ 14 ]

const SLICES = 10

export class SlidingSums {
  /** Sums over the window, one of each column. True after `expire`. */
  readonly sums: Uint32Array
  readonly #slices: Uint32Array
  readonly #sliceMs: number
  readonly #clock: () => number
  #present = 0
  /** Time at which the present slice is over. */
  #until: number

  /** The window ends now and begins nine to ten tenths of `windowMs` ago. `clock`: monotonic ms. */
  constructor(columns: number, windowMs: number, clock: () => number) {
    this.sums = new Uint32Array(columns)
    this.#slices = new Uint32Array(columns * SLICES)
    this.#sliceMs = Math.max(1, windowMs) / SLICES
    this.#clock = clock
    this.#until = clock() + this.#sliceMs
  }

  /** Forgets what is older than the window. Must come before `count` and before `sums` are looked at. */
  expire(): void {
    const now = this.#clock()
    if (now >= this.#until) this.#turn(now)
  }

  count(column: number): void {
    this.sums[column]!++
    this.#slices[this.#present + column]!++
  }

  clear(): void {
    this.sums.fill(0)
    this.#slices.fill(0)
  }

  #turn(now: number): void {
    const passed = Math.floor((now - this.#until) / this.#sliceMs) + 1
    this.#until += passed * this.#sliceMs
    if (passed >= SLICES) return this.clear() // after any pause, however long, at the price of one
    for (let i = 0; i < passed; i++) this.#next()
  }

  /** The oldest slice becomes the present one. */
  #next(): void {
    const columns = this.sums.length
    const start = (this.#present + columns) % this.#slices.length
    for (let column = 0; column < columns; column++) {
      this.sums[column]! -= this.#slices[start + column]!
      this.#slices[start + column] = 0
    }
    this.#present = start
  }
}
