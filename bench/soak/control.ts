// The control plane against a real etcd: how soon a change serves, whether any is lost, and what faults of etcd do to requests.
//   scripts/bench soak/control latency [changes] [routes] [workers]   commit -> serving in every worker
//   scripts/bench soak/control updates [updates] [per second] [workers]   many commits under load
//   scripts/bench soak/control faults [word]   etcd killed, restarted, compacted, partitioned, full, each under load
//   scripts/bench soak/control fleet [times]   three gateways on one etcd
//   scripts/bench soak/control killed [rounds] [workers]   workers are killed under load
//   scripts/bench soak/control large [routes] [workers]   how long an event loop is held by many routes
import { end } from './control/lab.ts'

const [scenario = '', ...rest] = process.argv.slice(2)
const numbers = rest.map(Number)
const SCENARIOS: Readonly<Record<string, () => Promise<boolean>>> = {
  latency: async () => (await import('./control/latency.ts')).latency(...numbers),
  updates: async () => (await import('./control/updates.ts')).updates(...numbers),
  faults: async () => (await import('./control/faults.ts')).faults(rest[0]),
  fleet: async () => (await import('./control/fleet.ts')).fleet(...numbers),
  killed: async () => (await import('./control/killed.ts')).killed(...numbers),
  large: async () => (await import('./control/large.ts')).large(...numbers),
}
const run = SCENARIOS[scenario]
if (run === undefined) {
  console.log(`one of: ${Object.keys(SCENARIOS).join(', ')}`)
  process.exit(2)
}
try {
  if (!(await run())) process.exitCode = 1
} finally {
  await end()
}
