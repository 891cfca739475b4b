import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Try } from './tries.ts'
import { FAILED_THERE, SUCCEEDED, UNKNOWN, type Endpoint, type Outcome } from './upstream.ts'

/** Complains about a ticket that is settled twice, or an end without its beginning. */
class Ledger implements Endpoint {
  readonly url = 'http://127.0.0.1:1'
  readonly transport = null as never
  readonly open = new Set<number>()
  running = 0
  pending = 0
  #tickets = 0

  begin(): number {
    this.running++
    this.pending++
    this.open.add(this.#tickets)
    return this.#tickets++
  }

  connected(): void {
    this.pending--
  }

  settle(ticket: number, _outcome: Outcome, _latency: number): void {
    assert.ok(this.open.delete(ticket), `ticket ${ticket} is not open`)
  }

  end(hadConnection: boolean): void {
    this.running--
    if (!hadConnection) this.pending--
    assert.ok(this.running >= 0 && this.pending >= 0)
  }

  reported(): void {}
}

describe('a try', () => {
  it('tells its endpoint once what became of each request, whatever happens in which order', () => {
    const act = fc.constantFrom('begin', 'connected', 'settle', 'end', 'replace')
    const outcome = fc.constantFrom<Outcome>(SUCCEEDED, FAILED_THERE, UNKNOWN)
    const step = fc.record({ which: fc.nat(1), act, outcome })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const ledgers = [new Ledger(), new Ledger()]
        const tries = [new Try(), new Try()]
        for (const { which, act: what, outcome: result } of steps) {
          const one = tries[which]!
          if (what === 'begin') {
            one.end()
            one.begin(ledgers[which]!, 0)
          } else if (what === 'connected') one.connected()
          else if (what === 'settle') one.settle(result, 1)
          else if (what === 'end') one.end()
          else one.replace(tries[1 - which]!)
        }
        for (const one of tries) one.end()
        for (const { running, pending, open } of ledgers) assert.deepEqual([running, pending, open.size], [0, 0, 0])
      }),
    )
  })
})
