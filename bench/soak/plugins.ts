// A plugin file that changes many times under load: no request fails, and of old versions no instance, timer or socket is left.
//   scripts/bench soak/plugins [swaps]
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Gateway, mib, until } from '../lab.ts'
import { Client } from './client.ts'

const SWAPS = Number(process.argv[2] ?? 200)
const CLIENTS = 16
const ASK = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`

/** It holds a timer and a listening socket, and counts what lives of all versions. */
const source = (version: number): string => `import { createServer } from 'node:net'
import { definePlugin, NEXT, Type } from 'sluice/plugin'
const live: { instances: number; ticking: Set<number> } = ((globalThis as any).live ??= { instances: 0, ticking: new Set() })
export default definePlugin({
  name: 'swapped',
  schema: Type.Object({}),
  compile: (_, host) => ({
    start(signal) {
      live.instances++
      host.every(2, () => live.ticking.add(${version}))
      signal.addEventListener('abort', () => live.ticking.delete(${version}))
      const server = host.own('a server', createServer().listen(0, '127.0.0.1'), (it) => it.close())
      server.unref()
    },
    access: (x) => {
      if (x.path === '/live') return x.respond(200, [], JSON.stringify({ version: ${version}, instances: live.instances, ticking: live.ticking.size }))
      return NEXT
    },
    stop: () => void live.instances--,
  }),
})
`

const directory = await mkdtemp(join(tmpdir(), 'sluice-swaps-'))
process.once('exit', () => void rm(directory, { recursive: true, force: true }))
const file = join(directory, 'swapped.ts')
await mkdir(directory, { recursive: true })
await writeFile(file, source(0))
const gateway = await Gateway.start(`version: 1
listeners: [{ name: main, bind: '127.0.0.1:0' }]
pluginDirectories: ['${directory}']
plugins: { swapped: {} }
routes: [{ name: all, respond: { body: hello } }]
`)
const descriptors = async (): Promise<number> => (await readdir(`/proc/${gateway.child.pid}/fd`)).length
const before = { descriptors: await descriptors(), memory: await gateway.kilobytes('VmRSS') }
const load = { running: true, requests: 0, failed: 0 }
const clients = Array.from({ length: CLIENTS }, async () => {
  const client = new Client(gateway.port('main'))
  for (; load.running; load.requests++) {
    const reply = await client.ask(ASK('/'))
    if (reply?.status !== 200 || reply.body !== 'hello') load.failed++
  }
  client.socket.destroy()
})
const observer = new Client(gateway.port('main'))
const live = async (): Promise<{ version: number; instances: number; ticking: number }> =>
  JSON.parse((await observer.ask(ASK('/live')))!.body) as { version: number; instances: number; ticking: number }

for (let i = 1; i <= SWAPS; i++) {
  await writeFile(`${file}.new`, source(i))
  await rename(`${file}.new`, file)
  await until(async () => (await live()).version === i, `version ${i}`)
}
load.running = false
await Promise.all(clients)
await until(async () => (await live()).instances === 1, 'old instances to stop')
const { instances, ticking } = await live()
// Of the clients only the observer is left.
console.log(
  `${SWAPS} swaps: ${load.requests} requests, ${load.failed} failed; left: ${instances} instance, ${ticking} timer; ` +
    `descriptors ${before.descriptors} -> ${(await descriptors()) - 1}; memory ${mib(before.memory)} -> ${mib(await gateway.kilobytes('VmRSS'))}`,
)
if (load.failed > 0 || ticking > 1) process.exitCode = 1
observer.socket.destroy()
await gateway.stop()
