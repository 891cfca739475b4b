// Workers as real processes, without a gateway around them.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { parseDocument } from '../config/document.ts'
import { loadConfig } from '../config/load.ts'
import type { Prepared } from '../control/serving.ts'
import { until } from '../../test/lab/poll.ts'
import { Logs } from '../telemetry/logs.ts'
import { Metrics } from '../telemetry/metrics.ts'
import { Fleet } from './fleet.ts'
import { WorkerProcess } from './worker-process.ts'

const FILE = 'gateway.yaml'
const ENTRY = new URL('../worker.ts', import.meta.url).pathname

async function startFleet(test: TestContext, count: number) {
  const sockets = await mkdtemp(join(tmpdir(), 'sluice-fleet-'))
  const processes: WorkerProcess[] = []
  const fleet = new Fleet({
    count,
    log: new Logs('silent').log,
    metrics: new Metrics(),
    stale() {},
    inherited: () => ({}),
    launch() {
      const admin = join(sockets, `${processes.length}.sock`)
      const worker = new WorkerProcess({ entry: ENTRY, argv: [admin, FILE], env: { LOG_LEVEL: 'silent' }, admin })
      processes.push(worker)
      return worker
    },
  })
  test.after(async () => {
    await fleet.stop(0)
    await Promise.all(processes.map(({ ended }) => ended))
    await rm(sockets, { recursive: true, force: true })
  })
  const prepare = (version: number): Promise<Prepared> => {
    const text = `version: 1
listeners: [{ name: public, bind: "127.0.0.1:0" }]
routes: [{ name: all, respond: { body: "${version}" } }]
`
    const loaded = loadConfig(parseDocument(text, FILE, {}), new Map())
    assert.ok(loaded.ok)
    const told = { warnings: [], rejected: [], lint: () => Promise.resolve([]) }
    const validated = { valid: loaded.config, plugins: new Map(), pluginDirectories: [], file: FILE, ...told }
    return fleet.prepare({ validated, version, why: 'test' })
  }
  await (await prepare(1)).activate()
  return { fleet, processes, prepare }
}

describe('a fleet', () => {
  it('that is about to stop does not switch any more, and its workers drain', async (test) => {
    const { fleet, processes, prepare } = await startFleet(test, 2)
    const [first, second] = processes
    const prepared = await prepare(2)
    fleet.refuse()
    await assert.rejects(prepared.activate(), /the gateway stops/)
    assert.equal(await fleet.stop(null), 0)
    for (const worker of [first!, second!]) assert.deepEqual(await worker.ended, { code: 0, signal: null })
  })

  it('has no worker that hung while the others switched, and would serve what was before', async (test) => {
    const { fleet, processes, prepare } = await startFleet(test, 2)
    const [victim] = processes
    process.kill(victim!.pid, 'SIGSTOP')
    const state = () => fleet.workers[0]!.state
    await until(() => state() === 'unresponsive', 'the report')
    await (await prepare(2)).activate()
    assert.ok(victim!.lost)
    assert.deepEqual(await victim!.ended, { code: null, signal: 'SIGKILL' })
    await until(() => state() === 'ready', 'the worker that replaces it')
    assert.equal(fleet.workers[0]!.version, 2)
  })
})
