// Moves the bytes of one direction of a link: at once, late, slowly or not at all. What waits is bounded: beyond it the
// sender is no longer read.
import type { Socket } from 'node:net'
import { abort } from './listening.ts'

/** Bytes that wait in a pump. */
const MOST = 256 * 1024
/** Pieces per second of a throttled direction. */
const PIECES = 20

/** How bytes move. Plain data; ms and bytes/s; null is without a limit. */
export interface Pace {
  readonly delay: number
  readonly rate: number | null
  readonly held: boolean
}

/** What waits: bytes, or how the sender ended. */
interface Item {
  readonly due: number
  readonly what: Buffer | 'end' | 'reset'
}

export class Pump {
  readonly #from: Socket
  readonly #to: Socket
  #pace: Pace
  #queue: Item[] = []
  #size = 0
  #timer: NodeJS.Timeout | null = null
  #isFull = false

  /** `passed` hears of bytes that were read, and may break the link: then it returns how many of them go through. */
  constructor(from: Socket, to: Socket, pace: Pace, passed: (bytes: number) => number) {
    this.#from = from
    this.#to = to
    this.#pace = pace
    from.on('data', (chunk: Buffer) => {
      const through = passed(chunk.length)
      for (const piece of this.#pieces(chunk.subarray(0, through))) this.#add(piece)
      if (through < chunk.length) this.#add('reset')
    })
    from.on('end', () => this.#add('end'))
    from.on('error', () => this.#add('reset'))
    to.on('drain', () => {
      this.#isFull = false
      this.#move()
    })
    to.on('close', () => this.stop())
    if (pace.held) from.pause()
  }

  /** What waits is due by the old pace at the latest, and at once when there is none any more. */
  become(pace: Pace): void {
    this.#pace = pace
    if (pace.delay === 0 && pace.rate === null) this.#queue = this.#queue.map(({ what }) => ({ due: 0, what }))
    this.#move()
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#queue = []
    this.#size = 0
    this.#from.resume() // otherwise its end would never be seen
  }

  *#pieces(chunk: Buffer): Generator<Buffer> {
    const most = this.#pace.rate === null ? chunk.length : Math.max(1, Math.floor(this.#pace.rate / PIECES))
    for (let at = 0; at < chunk.length; at += most) yield chunk.subarray(at, at + most)
  }

  #add(what: Item['what']): void {
    if (this.#to.destroyed) return
    const { delay, rate } = this.#pace
    const earliest = performance.now() + delay
    const last = this.#queue.at(-1)?.due ?? 0
    const takes = rate === null || typeof what === 'string' ? 0 : (what.length / rate) * 1000
    this.#queue.push({ due: Math.max(earliest, last) + takes, what })
    if (typeof what !== 'string') this.#size += what.length
    this.#move()
  }

  #move(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    const { held } = this.#pace
    if (!held) this.#deliverDue()
    if (held || this.#size > MOST) this.#from.pause()
    else this.#from.resume()
  }

  #deliverDue(): void {
    while (!this.#isFull && this.#queue.length > 0) {
      const wait = this.#queue[0]!.due - performance.now()
      if (wait > 0) {
        this.#timer = setTimeout(() => this.#move(), wait)
        return
      }
      this.#deliver(this.#queue.shift()!.what)
    }
  }

  #deliver(what: Item['what']): void {
    if (what === 'reset') return abort(this.#to)
    if (what === 'end') return void this.#to.end()
    this.#size -= what.length
    this.#isFull = !this.#to.write(what)
  }
}
