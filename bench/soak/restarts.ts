// 100 restarts for each engine, under load from 64 connections that stay and from clients that connect anew each time: how many
// requests are refused, reset or failed?
//   scripts/bench soak/restarts [restarts]
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { RestartLoad } from '../../test/lab/restart-load.ts'
import { Gateway, mib, until } from '../lab.ts'

const RESTARTS = Number(process.argv[2] ?? 100)
const upstream = createServer((_request, response) => response.end('hello'))
await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
const { port: upstreamPort } = upstream.address() as AddressInfo

for (const engine of ['uws', 'node']) {
  const gateway = await Gateway.start(`version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${engine} }]
upstreams: { app: { endpoints: [{ url: 'http://127.0.0.1:${upstreamPort}' }] } }
routes: [{ name: all, upstream: app }]
`)
  const load = new RestartLoad({ port: gateway.port('main'), staying: 64, coming: 4, pause: 30 })
  await load.more(500)
  const began = performance.now()
  const times: number[] = []
  for (let done = 0; done < RESTARTS; done++) {
    const since = performance.now()
    gateway.output = ''
    gateway.child.kill('SIGUSR2')
    await until(() => gateway.output.includes('the generation before has left'), 'a restart', 60_000)
    times.push(performance.now() - since)
  }
  await load.more(500)
  const { requests, failures } = await load.stop()
  const seconds = (performance.now() - began) / 1000
  const median = times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0
  const failed =
    failures.size === 0 ? 'none failed' : Array.from(failures, ([kind, count]) => `${count} ${kind}`).join(', ')
  console.log(
    `${engine}: ${RESTARTS} restarts in ${seconds.toFixed(0)} s (median ${median.toFixed(0)} ms), ${requests} requests: ${failed}; first process ${mib(await gateway.kilobytes('VmRSS'))}`,
  )
  if (failures.size > 0) process.exitCode = 1
  await gateway.stop()
}
upstream.close()
