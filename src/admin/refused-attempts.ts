// Attempts to change something by those who may not. Some of them are told: who is let in by nobody must not fill the
// disk, nor push out what others have done.
import type { IncomingMessage } from 'node:http'
import type { Refusal } from './answer.ts'
import { actorOf } from './actor.ts'
import type { AdminState } from './state.ts'

/** Lines in a minute. */
const MOST_LINES = 10
const MINUTE = 60_000

export class RefusedAttempts {
  readonly #state: AdminState
  #minute = 0
  #lines = 0
  #untold = 0

  constructor(state: AdminState) {
    this.#state = state
  }

  note(request: IncomingMessage, target: string, { status, message }: Refusal): void {
    const { control } = this.#state
    if (control === null) return
    const minute = Math.floor(Date.now() / MINUTE)
    if (minute !== this.#minute) {
      this.#minute = minute
      this.#lines = 0
    }
    if (++this.#lines > MOST_LINES) {
      this.#untold++
      return
    }
    const untold = this.#untold === 0 ? '' : ` (and ${this.#untold} others before)`
    this.#untold = 0
    void control.audit.note({
      actor: actorOf(request, 'nobody'),
      action: 'attempt',
      target,
      result: 'refused',
      from: null,
      to: null,
      message: '',
      reason: `${status} ${message}${untold}`,
    })
  }
}
