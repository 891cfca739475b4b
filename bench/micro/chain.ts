// Running the steps of a phase: what a route with 0, 1, 5 and 20 plugins pays for the runner itself.
//   scripts/bench micro/chain
import { compileChain } from '../../src/chain/compile.ts'
import { runFrom } from '../../src/chain/run.ts'
import { Exchange } from '../../src/contract/exchange.ts'
import type { ListenerContext, Road } from '../../src/contract/road.ts'
import { NEXT } from '../../src/contract/verdict.ts'
import { measure } from './measure.ts'

const x = new Exchange({} as Road, {} as ListenerContext)
let touched = 0
for (const count of [0, 1, 5, 20]) {
  const instances = Array.from({ length: count }, (_, i) => ({
    plugin: `plugin-${i}`,
    order: i,
    timing: { calls: 0, total: 0 },
    phases: {
      access: () => {
        touched += i
        return NEXT
      },
    },
  }))
  const { access } = compileChain(instances)
  measure(`a chain of ${count} access steps`, () => (access === null ? touched : runFrom(x, access, 0)))
}
