// Limits by the real clock: one gateway for itself, and three that share a Redis. Admitted requests against what the rule allows.
//   scripts/bench soak/limits [seconds]
import { RedisProcess } from './redis.ts'
import { Client } from './client.ts'
import { Gateway } from '../lab.ts'

const SECONDS = Number(process.argv[2] ?? 5)
const RATE = 1000
const BURST = 100
const CLIENTS = 8
/** What three gateways may admit beyond the rule: 1.25 times the rate in 100 ms each. */
const BOUND = 3 * 125

const redis = await RedisProcess.start()
const start = (more: string): Promise<Gateway> =>
  Gateway.start(`version: 1
listeners: [{ name: main, bind: '127.0.0.1:0' }]
routes: [{ name: all, respond: { body: ok }, plugins: { rate-limit: { rate: ${RATE}/s, burst: ${BURST}${more} } } }]
`)

await run('one gateway', [await start('')], 0)
const shared = `, redis: '${redis.url}', onError: closed`
await run('three gateways, one Redis', await Promise.all([start(shared), start(shared), start(shared)]), BOUND)
await redis.stop()

async function run(what: string, gateways: readonly Gateway[], bound: number): Promise<void> {
  let admitted = 0
  let refused = 0
  let other = 0
  const begin = performance.now()
  const end = begin + SECONDS * 1000
  let last = begin
  await Promise.all(
    gateways.flatMap((gateway) =>
      Array.from({ length: CLIENTS }, async () => {
        const client = new Client(gateway.port('main'))
        while (performance.now() < end) {
          const reply = await client.ask('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
          if (reply?.status === 200) {
            admitted++
            last = performance.now()
          } else if (reply?.status === 429) refused++
          else other++
        }
        client.socket.destroy()
      }),
    ),
  )
  const allowed = BURST + ((last - begin) / 1000) * RATE
  const ratio = admitted / allowed
  console.log(
    `${what}: ${admitted} admitted, ${allowed.toFixed(0)} allowed (${ratio.toFixed(4)}), bound ${bound} more; ${refused} refused, ${other} other`,
  )
  if (other > 0 || admitted > allowed * 1.01 + bound || (bound === 0 && ratio < 0.99)) process.exitCode = 1
  await Promise.all(gateways.map((gateway) => gateway.stop()))
}
