// Several worker processes behind one port: they switch together, and what happens to one happens to no other.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { dirname } from 'node:path'
import { describe, it } from 'node:test'
import { childrenOf, FleetLab, lives, probe, type Seen } from '../lab/fleet.ts'
import { ENGINES, GatewayProcess } from '../lab/gateway.ts'
import { until } from '../lab/poll.ts'
import type { RawClient } from '../lab/raw-client.ts'

const CONNECTIONS = 12
const ascending = (a: number, b: number): number => a - b

/** Asks again and again over one connection each, until it is told to stop or the connection fails. */
class Load {
  readonly seen: Seen[][] = []
  /** Processes whose connections failed. */
  readonly failed: number[] = []
  requests = 0
  #stop = false
  readonly #running: Promise<void>[] = []

  constructor(clients: readonly RawClient[]) {
    for (const [i, client] of clients.entries()) this.#running.push(this.#run(client, (this.seen[i] = [])))
  }

  async stop(): Promise<void> {
    this.#stop = true
    await Promise.all(this.#running)
  }

  async #run(client: RawClient, seen: Seen[]): Promise<void> {
    while (!this.#stop) {
      try {
        seen.push(await probe(client))
        this.requests++
      } catch {
        this.failed.push(seen.at(-1)?.pid ?? 0)
        return
      }
    }
  }
}

async function connections(lab: FleetLab, count = CONNECTIONS): Promise<RawClient[]> {
  return Promise.all(Array.from({ length: count }, () => lab.connect()))
}

for (const engine of ENGINES) {
  describe(`workers with ${engine}`, () => {
    it('share a port, write to one log, and end together', async (test) => {
      const lab = await FleetLab.start(test, 3, engine)
      const { gateway } = lab
      const pids = new Set<number>()
      for (let i = 0; i < 200 && pids.size < 3; i++) pids.add((await probe(await lab.connect())).pid)
      assert.deepEqual([...pids].toSorted(ascending), [...lab.workers.values()].toSorted(ascending))
      assert.ok(!pids.has(gateway.pid), 'the supervisor takes no requests')
      const listening = gateway.logs.filter(({ msg }) => msg === 'listening')
      assert.deepEqual(listening.map((line) => line['worker'] as number).toSorted(ascending), [1, 2, 3])
      assert.equal(new Set(listening.map((line) => line['port'])).size, 1)
      const children = await lab.children()
      assert.equal(await gateway.stop(), 0)
      assert.equal(gateway.logs.at(-1)?.msg, 'stopped')
      for (const pid of children) assert.ok(!lives(pid), `process ${pid} ended`)
    })

    it('switch to a configuration together, and never back', async (test) => {
      const lab = await FleetLab.start(test, 3, engine)
      const load = new Load(await connections(lab))
      for (let version = 2; version <= 11; version++) {
        await lab.configure(`version: ${version}`)
        await lab.gateway.waitForNext(({ msg }) => msg === 'configuration reloaded')
        // It is told that all have switched: whoever asks now, on an old connection or a new one, gets the new version.
        const counts = load.seen.map((seen) => seen.length)
        const newcomers = await Promise.all((await connections(lab, 6)).map(probe))
        for (const seen of newcomers) assert.equal(seen.version, version)
        await until(() => load.seen.every((seen, i) => seen.length > counts[i]! + 1), 'requests on every connection')
        // The first may have been under way already.
        for (const [i, seen] of load.seen.entries())
          for (const later of seen.slice(counts[i]! + 1)) assert.equal(later.version, version)
      }
      await load.stop()
      assert.deepEqual(load.failed, [])
      for (const seen of load.seen)
        assert.ok(seen.every(({ version }, i) => i === 0 || version >= seen[i - 1]!.version))
    })

    it('lose nothing when one of them is killed, and it is back at once', async (test) => {
      const lab = await FleetLab.start(test, 3, engine)
      // The spare process has loaded everything.
      await until(async () => (await lab.children()).length === 4, 'the spare process')
      const load = new Load(await connections(lab, 24))
      await until(() => load.seen.every((seen) => seen.length > 5), 'load on every connection')
      const victim = lab.workers.get(2)!
      process.kill(victim, 'SIGKILL')
      const ended = await lab.gateway.waitForLog(lab.lineOf(2, 'worker ended; it is started again'))
      assert.equal(ended['signal'], 'SIGKILL')
      assert.equal(ended['restartIn'], 0)
      await until(() => lab.workers.get(2) !== victim, 'the worker that replaces it')
      // Connections that come now are served by whoever is there.
      for (const client of await connections(lab)) assert.notEqual((await probe(client)).pid, victim)
      await load.stop()
      const onVictim = load.seen.filter((seen) => seen.at(-1)!.pid === victim).length
      assert.equal(load.failed.length, onVictim)
      assert.ok(load.failed.every((pid) => pid === victim))
    })
  })
}

it('two gateways with workers that are started at the same moment do not share an address', async (test) => {
  const free = createServer().listen(0, '127.0.0.1')
  await once(free, 'listening')
  const { port } = free.address() as AddressInfo
  await new Promise((resolve) => free.close(resolve))
  const yaml = `version: 1
workers: 2
listeners: [{ name: public, bind: '127.0.0.1:${port}' }]
routes: []
`
  const started = await Promise.allSettled([1, 2].map(() => GatewayProcess.start(test, yaml)))
  const refusals = started.flatMap((each) => (each.status === 'rejected' ? [String(each.reason)] : []))
  assert.equal(refusals.length, 1)
  assert.match(refusals[0]!, /the address is in use/)
})

describe('a worker', () => {
  it('that is stopped holds up nobody: it is reported, replaced, and its successor serves what all serve', async (test) => {
    const lab = await FleetLab.start(test, 2)
    const victim = lab.workers.get(1)!
    test.after(() => lives(victim) && process.kill(victim, 'SIGKILL'))
    process.kill(victim, 'SIGSTOP')
    const others = (await connections(lab, 30)).map(async (client) => {
      const first = await Promise.race([probe(client), new Promise<null>((resolve) => setTimeout(resolve, 1000, null))])
      return first === null ? null : client
    })
    const clients = (await Promise.all(others)).filter((client) => client !== null)
    const load = new Load(clients)
    await lab.configure('version: 2')
    const warned = await lab.gateway.waitForLog(lab.lineOf(1, 'worker does not answer: its event loop hangs'))
    assert.equal(warned['pid'], victim)
    await lab.gateway.waitForLog(({ msg }) => msg === 'configuration reloaded')
    await until(() => (lab.workers.get(1) ?? victim) !== victim, 'the worker that replaces it')
    const ended = lab.gateway.logs.find(lab.lineOf(1, 'worker ended; it is started again'))
    assert.equal(ended?.['reason'], 'unresponsive')
    const pids = new Set<number>()
    for (let i = 0; i < 200 && pids.size < 2; i++) {
      const seen = await probe(await lab.connect())
      assert.equal(seen.version, 2)
      pids.add(seen.pid)
    }
    assert.ok(!pids.has(victim) && pids.size === 2)
    await load.stop()
    assert.deepEqual(load.failed, [])
  })

  it('that refuses a configuration refuses it for all', async (test) => {
    const lab = await FleetLab.start(test, 2)
    await lab.configure('version: -1')
    const everywhere = await lab.gateway.waitForNext(({ msg }) => msg?.startsWith('configuration rejected') ?? false)
    assert.match(JSON.stringify(everywhere['problems']), /gateway\.yaml:\d+:\d+ plugins\.probe: no version is below 0/)
    // The first to compile this one takes what the others would need.
    await lab.configure(`version: 3, alone: ${lab.gateway.directory}/taken`)
    await lab.gateway.waitForNext(({ msg }) => msg?.startsWith('configuration rejected') ?? false)
    for (const client of await connections(lab)) assert.equal((await probe(client)).version, 1)
    await lab.configure('version: 4')
    await lab.gateway.waitForNext(({ msg }) => msg === 'configuration reloaded')
    for (const client of await connections(lab)) assert.equal((await probe(client)).version, 4)
  })

  it('that ends again and again is restarted after growing pauses', async (test) => {
    const lab = await FleetLab.start(test, 2)
    const { gateway } = lab
    const ends = (): number[] =>
      gateway.logs.filter(lab.lineOf(1, 'worker ended; it is started again')).map((line) => line['restartIn'] as number)
    for (let round = 1; round <= 4; round++) {
      const pid = lab.workers.get(1)!
      for (let tries = 0; lives(pid) && tries < 200; tries++) {
        const client = await lab.connect()
        if ((await probe(client)).pid !== pid) continue
        client.send('GET /exit HTTP/1.1\r\nHost: a\r\n\r\n')
        await client.ended()
        break
      }
      await until(() => ends().length === round && lab.workers.get(1) !== pid, 'the restart')
    }
    const [first, second, third, fourth] = ends()
    assert.equal(first, 0)
    assert.ok(second! >= 50 && third! >= 100 && fourth! >= 200, String(ends()))
    assert.equal(gateway.logs.find(lab.lineOf(1, 'worker ended; it is started again'))?.['code'], 3)
  })

  it('does not outlive the supervisor', async (test) => {
    const lab = await FleetLab.start(test, 2)
    const children = await childrenOf(lab.gateway.pid)
    assert.ok(children.length >= 3)
    const lines = await Promise.all(children.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8')))
    const directories = lines.map((line) => dirname(line.split('\0').find((part) => part.endsWith('.sock'))!))
    assert.ok(existsSync(directories[0]!))
    lab.gateway.signal('SIGKILL')
    await until(() => children.every((pid) => !lives(pid)), 'the end of the workers')
    await until(() => directories.every((path) => !existsSync(path)), 'the end of the directory of their sockets')
  })

  it('follows the supervisor, not signals', async (test) => {
    const lab = await FleetLab.start(test, 2)
    const pid = lab.workers.get(1)!
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.kill(pid, signal)
    await lab.configure('version: 2')
    await lab.gateway.waitForNext(({ msg }) => msg === 'configuration reloaded')
    assert.ok(lives(pid))
    assert.equal(lab.workers.get(1), pid)
  })
})
