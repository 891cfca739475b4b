// Deciding whether a request is traced, for those that are not, and the traceparent that they get.
//   scripts/bench micro/trace
import { requestOf } from '../../test/lab/plugin-exchange.ts'
import { compileTracing } from '../../src/compile/tracing.ts'
import type { Route, Snapshot } from '../../src/contract/snapshot.ts'
import { trace } from '../../src/road/trace.ts'
import { measure } from './measure.ts'

const BROWSER = [
  ['host', 'api.example.com'],
  ['user-agent', 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'],
  ['accept', 'application/json'],
  ['accept-language', 'en-US,en;q=0.5'],
  ['accept-encoding', 'gzip, deflate, br'],
  ['referer', 'https://example.com/'],
  ['sec-fetch-mode', 'cors'],
  ['connection', 'keep-alive'],
].flat()
const PARENT = ['traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00']
const NOWHERE = { add() {}, lose() {}, takesLate: () => false }
const rules = [
  { route: 'health', share: 0 },
  { header: { 'x-debug': { present: true } }, share: 0 },
]

function snapshot(tracing: Snapshot['tracing']): Snapshot {
  return { tracing } as Snapshot
}

const off = snapshot(null)
const ratio = snapshot(compileTracing({ ratio: 0 }, null, NOWHERE))
const ruled = snapshot(compileTracing({ ratio: 0, rules }, null, NOWHERE))
const trusting = snapshot(compileTracing({ ratio: 0, trust: 'everyone' }, null, NOWHERE))

for (const [name, with_, headers, told] of [
  ['off', off, BROWSER, false],
  ['no parent', ratio, BROWSER, false],
  ['no parent, two rules', ruled, BROWSER, false],
  ['a parent that is not recorded', trusting, [...BROWSER, ...PARENT], false],
  ['a parent that is not believed', ratio, [...BROWSER, ...PARENT], false],
  ['no parent, and the traceparent for the upstream', ratio, BROWSER, true],
] as const) {
  const x = requestOf({ headers })
  x.snapshot = with_
  x.route = { name: 'api' } as Route
  measure(name, () => {
    x.trace.reset()
    trace(x)
    return told ? x.trace.line.length : x.trace.state
  })
}
