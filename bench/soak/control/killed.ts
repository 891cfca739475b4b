import { writeFile } from 'node:fs/promises'
import { Gateway, until } from '../../lab.ts'
import { Client } from '../client.ts'
import { atEnd, percentile } from './lab.ts'

const CONNECTIONS = 64
/** ms between a reply and the next request: cores that are all busy are slow to start another process. */
const PAUSE = 20
/** ms between two kills: a spare process is there again. */
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
}

/** A worker is killed again and again under load: what that costs, and how soon another one serves in its place. */
export async function killed(times = 20, workers = 2): Promise<boolean> {
  const gateway = await Gateway.start(`version: 1
workers: ${workers}
listeners: [{ name: main, bind: '127.0.0.1:0' }]
routes: [{ name: all, respond: {} }]
`)
  atEnd(() => gateway.stop())
  await writeFile(gateway.file.replace('gateway.yaml', 'who.ts'), PLUGIN)
  await writeFile(
    gateway.file,
    `version: 1
workers: ${workers}
pluginDirectories: [.]
listeners: [{ name: main, bind: '127.0.0.1:0' }]
plugins: { who: {} }
routes: [{ name: all, respond: {} }]
`,
  )
  await until(() => gateway.output.includes('"configuration reloaded"'), 'the plugin')
  const port = gateway.port('main')
  const tally: Tally = { served: 0, lost: 0, fresh: 0, wrong: 0 }
  const dead = new Set<string>()
  const load = { running: true }
  const keep = Array.from({ length: CONNECTIONS }, async () => {
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
  })
  const ready = (): Map<number, number> => {
    const lines = gateway.output.split('\n').filter((line) => line.includes('"worker ready"'))
    return new Map(
      lines.map((line) => JSON.parse(line) as { worker: number; pid: number }).map(({ worker, pid }) => [worker, pid]),
    )
  }
  const back: number[] = []
  let most = 0
  for (let i = 0; i < times; i++) {
    await new Promise((resolve) => setTimeout(resolve, INTERVAL))
    const number = (i % workers) + 1
    const pid = ready().get(number)!
    const before = tally.lost
    dead.add(String(pid))
    const at = performance.now()
    process.kill(pid, 'SIGKILL')
    await until(() => ready().get(number) !== pid, 'another worker')
    back.push(performance.now() - at)
    await new Promise((resolve) => setTimeout(resolve, 200))
    most = Math.max(most, tally.lost - before)
  }
  load.running = false
  await Promise.all(keep)
  const sorted = back.toSorted((a, b) => a - b)
  console.log(
    `${times} workers of ${workers} killed: another serves after ${percentile(sorted, 50).toFixed(0)} ms (${sorted[0]!.toFixed(0)}-${sorted.at(-1)!.toFixed(0)}); ` +
      `${tally.served} requests, ${tally.lost} lost with their worker (at most ${most} of ${CONNECTIONS} connections at a time), ` +
      `${tally.fresh} first requests of a connection failed, ${tally.wrong} others`,
  )
  return tally.wrong === 0 && sorted.at(-1)! <= TARGET
}
