// What is alive because of a configuration that does not serve: one that is only looked at, one that is rejected, one of a
// gateway that stops.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { Gateway } from '../../src/gateway.ts'
import { Logs } from '../../src/telemetry/logs.ts'
import { DnsServer, SILENCE } from '../lab/dns.ts'
import { GatewayProcess } from '../lab/gateway.ts'
import { until } from '../lab/poll.ts'
import { startHttpUpstream, Upstream } from '../lab/upstreams.ts'

const MAIN = new URL('../../src/cli/main.ts', import.meta.url).pathname
const HEAD = `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: node }]
`

async function file(test: TestContext, text: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-live-'))
  test.after(() => rm(directory, { recursive: true, force: true }))
  await writeFile(join(directory, 'g.yaml'), text)
  return join(directory, 'g.yaml')
}

function sluice(...argv: readonly string[]): Promise<{ code: number; out: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [MAIN, ...argv], { timeout: 20_000 }, (_, out) =>
      resolve({ code: child.exitCode ?? -1, out }),
    )
  })
}

/** A server that answers nothing, ever. */
function startSilent(test: TestContext): Promise<Upstream> {
  return Upstream.start(
    test,
    createServer((socket) => void socket.resume()),
  )
}

describe('a configuration that is only looked at', () => {
  it('asks nobody anything, and holds nothing up', async (test) => {
    const dns = await DnsServer.start(test, () => SILENCE)
    const silent = await startSilent(test)
    const path = await file(
      test,
      `${HEAD}upstreams:
  listed: { endpoints: [{ url: '${silent.url}' }], health: { interval: 1ms }, outlier: {}, breaker: {}, loadAware: {} }
  named: { discovery: { dns: { name: a.example, port: 80, servers: ['${dns.address}'] } }, health: {} }
  registered: { discovery: { etcd: { hosts: ['${silent.url}'] } }, health: {} }
routes:
  - { name: a, match: { path: /a }, upstream: listed }
  - { name: b, match: { path: /b }, upstream: named }
  - { name: c, match: { path: /c }, upstream: registered }
`,
    )
    assert.deepEqual(await sluice('check', path), { code: 0, out: `${path}: ok (3 routes, 3 upstreams)\n` })
    assert.match((await sluice('explain', '-c', path, 'GET', '/b')).out, /upstream named \(found by DNS: a\.example\)/)
    const { code, out } = await sluice('routes', '-c', path)
    assert.equal(code, 0)
    assert.match(out, /upstream registered \(found in etcd\)/)
    assert.equal(dns.queries.length, 0)
    assert.equal(silent.opened, 0)
  })
})

describe('a configuration that is rejected late', () => {
  it('leaves no check behind', async (test) => {
    let checks = 0
    let late = 0
    const watched = await startHttpUpstream(test, (_, response) => {
      checks++
      response.end()
    })
    const unwanted = await startHttpUpstream(test, (_, response) => {
      late++
      response.end()
    })
    const busy = await startHttpUpstream(test, () => {})
    const dns = await DnsServer.start(test, () => SILENCE)
    const health = 'health: { path: /, interval: 20ms }'
    const first = `app: { endpoints: [{ url: '${watched.url}' }], ${health} }`
    const routes = 'routes: [{ name: all, upstream: app }]'
    const gateway = await GatewayProcess.start(test, `${HEAD}upstreams: { ${first} }\n${routes}\n`)
    await gateway.configure(
      `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: node }, { name: busy, bind: '127.0.0.1:${busy.port}', engine: node }]
upstreams:
  ${first}
  late: { endpoints: [{ url: '${unwanted.url}' }], ${health} }
  found: { discovery: { dns: { name: a.example, port: 80, servers: ['${dns.address}']} } }
${routes}
`,
    )
    await gateway.waitForLog(({ msg }) => msg?.startsWith('configuration rejected') ?? false)
    const [seen, before, asked] = [late, checks, dns.queries.length]
    assert.ok(seen > 0, 'it was checked while discovery was waited for')
    await watched.until(() => checks > before + 10, 'checks of the endpoint that serves')
    assert.ok(late <= seen + 1, 'one may have been on its way')
    assert.ok(dns.queries.length <= asked + 1)
    assert.equal(await gateway.stop(), 0)
  })
})

describe('a gateway that stops', () => {
  it('does so at once while checks hang and nobody answers', async (test) => {
    const silent = await startSilent(test)
    const dns = await DnsServer.start(test, () => ({ rcode: 'NXDOMAIN' }))
    const gateway = await GatewayProcess.start(
      test,
      `${HEAD}upstreams:
  listed: { endpoints: [{ url: '${silent.url}' }], health: { path: /, interval: 10ms, timeout: 1h } }
  named: { discovery: { dns: { name: a.example, port: 80, servers: ['${dns.address}'], minimumTtl: 10ms, maximumTtl: 10ms } } }
routes: [{ name: a, upstream: listed }]
`,
    )
    dns.script = () => SILENCE
    const { length } = dns.queries
    await dns.until(() => dns.queries.length > length, 'a question that nobody answers')
    await silent.until(() => silent.sockets.size > 0, 'a check that hangs')
    assert.equal(await gateway.stop(), 0)
  })

  it('gives up a reload that waits for endpoints', async (test) => {
    const dns = await DnsServer.start(test, () => SILENCE)
    const path = await file(test, '')
    const log = `${path}.log`
    const head = `version: 1\nobservability: { logs: { destination: ${log} } }\n`
    await writeFile(
      path,
      `${head}listeners: [{ name: main, bind: '127.0.0.1:0', engine: node }]\nroutes: [{ name: all, respond: {} }]\n`,
    )
    const logs = new Logs()
    const gateway = await Gateway.start(path, logs)
    await writeFile(
      path,
      `${head}listeners: [{ name: main, bind: '127.0.0.1:0', engine: node }, { name: other, bind: '127.0.0.1:0', engine: node }]
upstreams: { app: { discovery: { dns: { name: a.example, port: 80, servers: ['${dns.address}'] } } } }
routes: [{ name: all, upstream: app }]
`,
    )
    const reloaded = gateway.reload()
    await dns.until(() => dns.queries.length > 0, 'discovery')
    await gateway.stop(0)
    await reloaded
    assert.equal(gateway.plane.snapshot.version, 1)
    await logs.close()
    const text = await readFile(log, 'utf8')
    assert.equal(text.split('"msg":"listening"').length, 2, text)
    assert.doesNotMatch(text, /"msg":"configuration/)
  })

  it('leaves no listener of a reload that was on its way', async (test) => {
    const path = await file(test, '')
    const socket = `${path}.sock`
    const head = `version: 1\nobservability: { logs: { destination: ${path}.log } }\nroutes: [{ name: all, respond: {} }]\n`
    await writeFile(path, `${head}listeners: [{ name: main, bind: '127.0.0.1:0', engine: node }]\n`)
    const logs = new Logs()
    const gateway = await Gateway.start(path, logs)
    const listeners = `listeners: [{ name: main, bind: '127.0.0.1:0', engine: node }, { name: other, bind: 'unix:${socket}', engine: node }]`
    await writeFile(path, `${head}${listeners}\nadmin: { bind: '127.0.0.1:0' }\n`)
    const reloaded = gateway.reload()
    // The new listener is open; the one of the admin API, which has files to read, is not.
    while (!existsSync(socket)) await new Promise(setImmediate)
    await gateway.stop(0)
    await reloaded
    // Whom it has accepted meanwhile is served: it closes a moment later.
    const isGone = (): Promise<boolean> =>
      connected(socket).then(
        () => false,
        ({ code }: NodeJS.ErrnoException) => code === 'ENOENT' || code === 'ECONNREFUSED',
      )
    await until(isGone, 'the end of the listener')
    assert.equal(gateway.plane.snapshot.version, 1)
    await logs.close()
  })
})

function connected(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => {
      socket.destroy()
      resolve()
    })
    socket.on('error', reject)
  })
}
