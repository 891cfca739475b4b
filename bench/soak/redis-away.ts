// A Redis that freezes, dies and comes back under load: how long until `onError` holds, and until the shared limit holds again.
//   scripts/bench soak/redis-away [rounds]
import { Gateway } from '../lab.ts'
import { spread } from '../road/report.ts'
import { Client } from './client.ts'
import { RedisProcess } from './redis.ts'

const ROUNDS = Number(process.argv[2] ?? 5)
const CLIENTS = 8
/** ms */
const [MOST_AWAY, MOST_BACK] = [100, 1000]

let redis = await RedisProcess.start()
const gateway = await Gateway.start(`version: 1
listeners: [{ name: main, bind: '127.0.0.1:0' }]
routes: [{ name: all, respond: { body: ok }, plugins: { rate-limit: { rate: 1000000/s, redis: '${redis.url}', onError: closed } } }]
`)
const load = { running: true, status: 0, longest: 0, other: 0 }
const clients = Array.from({ length: CLIENTS }, async () => {
  const client = new Client(gateway.port('main'))
  while (load.running) {
    const start = performance.now()
    const status = (await client.ask('GET / HTTP/1.1\r\nHost: h\r\n\r\n'))?.status ?? 0
    load.longest = Math.max(load.longest, performance.now() - start)
    if (status !== 200 && status !== 503) load.other++
    load.status = status
  }
  client.socket.destroy()
})

/** ms until replies have the status. */
async function until(status: number): Promise<number> {
  const start = performance.now()
  while (load.status !== status) {
    if (performance.now() - start > 15_000) throw new Error(`no ${status}`)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  return performance.now() - start
}

const times = { frozen: [] as number[], thawed: [] as number[], killed: [] as number[], restarted: [] as number[] }
await until(200)
for (let round = 0; round < ROUNDS; round++) {
  redis.child.kill('SIGSTOP')
  times.frozen.push(await until(503))
  redis.child.kill('SIGCONT')
  times.thawed.push(await until(200))
  redis.child.kill('SIGKILL')
  times.killed.push(await until(503))
  redis = await RedisProcess.start(redis.port)
  times.restarted.push(await until(200))
}
load.running = false
await Promise.all(clients)
for (const [what, ms] of Object.entries(times)) console.log(`${what}: ${spread(ms)} ms`)
console.log(`longest request ${load.longest.toFixed(0)} ms, other replies ${load.other}`)
const late = [...times.frozen, ...times.killed].some((ms) => ms > MOST_AWAY)
if (late || [...times.thawed, ...times.restarted].some((ms) => ms > MOST_BACK) || load.other > 0) process.exitCode = 1
await gateway.stop()
await redis.stop()
