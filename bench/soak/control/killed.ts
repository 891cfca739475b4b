import { writeFile } from 'node:fs/promises'
import { Gateway, until } from '../../lab.ts'
import { Client } from '../client.ts'
import { atEnd, percentile } from './lab.ts'

const CONNECTIONS = 64
/** ms between a reply and the next request: cores that are all busy are slow to start another process. */
const PAUSE = 20
/** ms before each kill: a spare process is there again. */
const INTERVAL = 5_000
const TARGET = 1000

/** Tells which process answers, after a moment, so that requests are in flight when it is killed. */
const PLUGIN = `import { definePlugin, Type } from 'sluice/plugin'
export default definePlugin({
  name: 'who',
  schema: Type.Object({}),
  compile: () => ({
    access: (x) => new Promise((resolve) => setTimeout(() => resolve(x.respond(200, [], String(process.pid))), 2)),
  }),
})
`

interface Tally {
  served: number
  /** Requests of connections to the process that was killed. */
  lost: number
  /** First requests of connections: nobody knows to which process they went. */
  fresh: number
  /** All others: there must be none. */
  wrong: number
  /** Most requests lost with one worker. */
  most: number
  /** ms until another worker served in the place of each. */
  readonly back: number[]
}

/** Workers are killed under load: what that costs, and how soon another one serves in their place. */
export async function killed(rounds = 6, workers = 2): Promise<boolean> {
  const tally: Tally = { served: 0, lost: 0, fresh: 0, wrong: 0, most: 0, back: [] }
  // A gateway of its own for each round: workers that end again and again are meant to come back later and later.
  for (let i = 0; i < rounds; i++) await round(workers, tally)
  const sorted = tally.back.toSorted((a, b) => a - b)
  console.log(
    `${sorted.length} workers killed: another serves after ${percentile(sorted, 50).toFixed(0)} ms (${sorted[0]!.toFixed(0)}-${sorted.at(-1)!.toFixed(0)}); ` +
      `${tally.served} requests, ${tally.lost} lost with their worker (at most ${tally.most} of ${CONNECTIONS} connections at a time), ` +
      `${tally.fresh} first requests of a connection failed, ${tally.wrong} others`,
  )
  return tally.wrong === 0 && sorted.at(-1)! <= TARGET
}

/** Each worker of a gateway is killed once. */
async function round(workers: number, tally: Tally): Promise<void> {
  const gateway = await start(workers)
  const port = gateway.port('main')
  const dead = new Set<string>()
  const load = { running: true }
  const clients = Array.from({ length: CONNECTIONS }, () => ask(port, load, dead, tally))
  for (let number = 1; number <= workers; number++) {
    await new Promise((resolve) => setTimeout(resolve, INTERVAL))
    const pid = processes(gateway).get(number)!
    const before = tally.lost
    dead.add(String(pid))
    const at = performance.now()
    process.kill(pid, 'SIGKILL')
    await until(() => processes(gateway).get(number) !== pid, 'another worker')
    tally.back.push(performance.now() - at)
    await new Promise((resolve) => setTimeout(resolve, 200))
    tally.most = Math.max(tally.most, tally.lost - before)
  }
  load.running = false
  await Promise.all(clients)
  await gateway.stop()
}

async function start(workers: number): Promise<Gateway> {
  const head = `version: 1
workers: ${workers}
listeners: [{ name: main, bind: '127.0.0.1:0' }]
routes: [{ name: all, respond: {} }]
`
  const gateway = await Gateway.start(head)
  atEnd(() => gateway.child.kill('SIGKILL'))
  await writeFile(gateway.file.replace('gateway.yaml', 'who.ts'), PLUGIN)
  await writeFile(gateway.file, `${head}pluginDirectories: [.]\nplugins: { who: {} }\n`)
  await until(() => gateway.output.includes('"configuration reloaded"'), 'the plugin')
  return gateway
}

/** One connection after the other. */
async function ask(port: number, load: { running: boolean }, dead: ReadonlySet<string>, tally: Tally): Promise<void> {
  while (load.running) {
    const client = new Client(port)
    let pid = ''
    while (load.running && !client.closed) {
      const reply = await client.ask('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      if (reply?.status === 200) {
        pid = reply.body
        tally.served++
        await new Promise((resolve) => setTimeout(resolve, PAUSE))
      } else if (pid === '') tally.fresh++
      else if (dead.has(pid)) tally.lost++
      else tally.wrong++
    }
    client.socket.destroy()
  }
}

/** By number of the worker. */
function processes(gateway: Gateway): Map<number, number> {
  const lines = gateway.output.split('\n').filter((line) => line.includes('"worker ready"'))
  return new Map(
    lines.map((line) => JSON.parse(line) as { worker: number; pid: number }).map(({ worker, pid }) => [worker, pid]),
  )
}
