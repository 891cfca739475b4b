// A restart: the next generation serves beside the one before, then alone. Nobody who asks meanwhile notices.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdir, readFile, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { childrenOf } from '../lab/fleet.ts'
import { ENGINES, GatewayProcess, type Engine, type GatewayOptions } from '../lab/gateway.ts'
import { until } from '../lab/poll.ts'
import { RawClient } from '../lab/raw-client.ts'
import { RestartLoad } from '../lab/restart-load.ts'
import { isAlive, isRefused, LEFT, makeEntry, restart, SERVES, temporaryDirectory } from '../lab/restarts.ts'
import { startHttpUpstream } from '../lab/upstreams.ts'

const text = (engine: Engine, more = ''): string => `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${engine} }]
admin: { bind: '127.0.0.1:0' }
routes: [{ name: hello, match: { path: /app }, respond: { body: hi } }]
${more}`

function start(test: TestContext, engine: Engine = 'uws', options: GatewayOptions = {}): Promise<GatewayProcess> {
  return GatewayProcess.start(test, text(engine), options)
}

for (const engine of ENGINES) {
  describe(`a restart on ${engine}`, () => {
    it('refuses, resets and fails no request, twice in a row', async (test) => {
      const upstream = await startHttpUpstream(test, (_request, response) => response.end('hello'))
      const gateway = await GatewayProcess.start(
        test,
        `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${engine} }]
upstreams: { app: { endpoints: [{ url: '${upstream.url}' }] } }
routes: [{ name: all, upstream: app }]
`,
      )
      const load = new RestartLoad({ port: gateway.port('main'), staying: 32, coming: 4, pause: 20 })
      await load.more(100)
      const first = await restart(gateway)
      const second = await restart(gateway)
      assert.equal(new Set([gateway.pid, first, second]).size, 3)
      assert.ok(!isAlive(first), 'the second generation has ended')
      await load.more(200)
      const { failures } = await load.stop()
      assert.deepEqual([...failures], [])
      assert.equal(await gateway.stop(), 0)
      await until(() => !isAlive(second), 'the end of the third generation')
    })

    it('lets a long download finish', async (test) => {
      const replies: (() => void)[] = []
      const upstream = await startHttpUpstream(test, (_request, response) => {
        response.writeHead(200, { 'content-length': '10' })
        response.write('hello')
        replies.push(() => response.end('world'))
        upstream.wake()
      })
      const gateway = await GatewayProcess.start(
        test,
        `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${engine} }]
upstreams: { app: { endpoints: [{ url: '${upstream.url}' }] } }
routes: [{ name: all, upstream: app }]
`,
      )
      const client = await RawClient.connect(test, gateway.port('main'))
      client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      await until(() => client.received.includes('hello'), 'the first half')
      gateway.signal('SIGUSR2')
      await gateway.waitForNext(SERVES)
      replies[0]!()
      const { body } = await client.response()
      assert.equal(body.toString(), 'helloworld')
      client.socket.destroy()
      assert.deepEqual((await gateway.waitForNext(LEFT))['cut'], 0)
    })

    it('keeps a connection that is idle until its next request, and says then that it closes', async (test) => {
      const gateway = await start(test, engine)
      const client = await RawClient.connect(test, gateway.port('main'))
      const ask = async () => {
        client.send('GET /app HTTP/1.1\r\nHost: a\r\n\r\n')
        return client.response()
      }
      assert.equal((await ask()).header('connection').toLowerCase() === 'close', false)
      gateway.signal('SIGUSR2')
      await gateway.waitForNext(SERVES)
      const last = await ask()
      assert.deepEqual([last.status, last.header('connection').toLowerCase()], [200, 'close'])
      await gateway.waitForNext(LEFT)
    })

    it('hands a unix socket over', async (test) => {
      const gateway = await GatewayProcess.start(
        test,
        `version: 1
listeners: [{ name: main, bind: 'unix:\${SOCKETS}/main', engine: ${engine} }]
routes: [{ name: hello, match: { path: /app }, respond: { body: hi } }]
`,
        { env: { SOCKETS: await temporaryDirectory(test) } },
      )
      const path = (gateway.logs.find(({ msg }) => msg === 'listening')!['address'] as string).slice('unix:'.length)
      const load = new RestartLoad({ port: path, staying: 8, coming: 4, pause: 10 })
      const { ino } = await stat(path)
      await load.more(50)
      await restart(gateway)
      await load.more(100)
      const { failures } = await load.stop()
      assert.deepEqual([...failures], [])
      assert.notEqual((await stat(path)).ino, ino)
      assert.equal(await gateway.stop(), 0)
      await assert.rejects(stat(path), { code: 'ENOENT' })
    })
  })
}

describe('a restart that fails', () => {
  const FAILED = ({ msg = '' }) => msg.startsWith('restart failed')

  async function failing(gateway: GatewayProcess, reason: RegExp): Promise<void> {
    const load = new RestartLoad({ port: gateway.port('main'), staying: 4, coming: 2, pause: 10 })
    gateway.signal('SIGUSR2')
    const line = await gateway.waitForNext(FAILED)
    assert.match(line['reason'] as string, reason)
    await load.more(50)
    const { failures } = await load.stop()
    assert.deepEqual([...failures], [])
    assert.ok(!isAlive(line['pid'] as number))
  }

  it('through an invalid configuration changes nothing, and the next one may work', async (test) => {
    const gateway = await start(test)
    await gateway.configure(text('uws', 'nonsense: true\n'))
    await failing(gateway, /gateway\.yaml:5:1 nonsense/)
    await gateway.configure(text('uws'))
    await restart(gateway)
    assert.equal(await gateway.stop(), 0)
  })

  it('through code that crashes changes nothing', async (test) => {
    const entry = await makeEntry(test)
    const gateway = await start(test, 'uws', { entry: entry.path })
    await entry.replace("throw new Error('this build is broken')")
    await failing(gateway, /this build is broken/)
  })

  it('through code that hangs changes nothing', async (test) => {
    const entry = await makeEntry(test)
    const gateway = await start(test, 'uws', { entry: entry.path, argv: ['--start-limit', '500ms'] })
    await entry.replace('for (;;) {}')
    await failing(gateway, /has not started within 500 ms/)
    await entry.replace('setInterval(() => {}, 1000)')
    await failing(gateway, /has not started within 500 ms/)
  })

  it('through an address that somebody else has changes nothing', async (test) => {
    const gateway = await start(test)
    const other = await start(test)
    await gateway.configure(
      text('uws').replace('listeners: [{ ', `listeners: [{ name: more, bind: '127.0.0.1:${other.port('main')}' }, { `),
    )
    await failing(gateway, /cannot listen on 127\.0\.0\.1:\d+: the address is in use/)
  })

  for (const engine of ENGINES)
    it(`gives a unix socket back on ${engine}`, async (test) => {
      const other = await start(test)
      const yaml = (more = ''): string => `version: 1
listeners: [{ name: main, bind: 'unix:\${SOCKETS}/main', engine: ${engine} }${more}]
routes: [{ name: hello, match: { path: /app }, respond: { body: hi } }]
`
      const directory = await temporaryDirectory(test)
      const entry = await makeEntry(test)
      const gateway = await GatewayProcess.start(test, yaml(), { env: { SOCKETS: directory }, entry: entry.path })
      const serves = async (): Promise<void> => {
        const load = new RestartLoad({ port: join(directory, 'main'), staying: 0, coming: 2, pause: 10 })
        await load.more(10)
        assert.deepEqual([...(await load.stop()).failures], [])
      }
      // One that has the socket, and then fails.
      await gateway.configure(yaml(`, { name: more, bind: '127.0.0.1:${other.port('main')}' }`))
      gateway.signal('SIGUSR2')
      await gateway.waitForNext(FAILED)
      await serves()
      // One that has it, and is gone.
      await gateway.configure(yaml())
      await entry.replace(
        `import { statSync } from 'node:fs'
const { ino } = statSync('${directory}/main')
setInterval(() => statSync('${directory}/main').ino === ino || process.kill(process.pid, 'SIGKILL'), 1)
${await readFile(entry.path, 'utf8')}`,
      )
      gateway.signal('SIGUSR2')
      await gateway.waitForNext(FAILED)
      await serves()
      assert.equal(await gateway.stop(), 0)
      assert.deepEqual(await readdir(directory), [])
    })

  it('through a process that cannot be begun changes nothing, and the next one may work', async (test) => {
    const gateway = await start(test)
    const limits = await readFile(`/proc/${gateway.pid}/limits`, 'utf8')
    const [, most] = /Max open files\s+(\d+)/.exec(limits)!
    const limit = (descriptors: string): void =>
      void execFileSync('prlimit', ['--pid', String(gateway.pid), `--nofile=${descriptors}:`])
    limit('3')
    gateway.signal('SIGUSR2')
    const line = await gateway.waitForNext(FAILED)
    assert.match(line['reason'] as string, /EMFILE/)
    limit(most!)
    await restart(gateway)
    assert.equal(await gateway.stop(), 0)
  })

  it('is refused while another one is under way', async (test) => {
    const entry = await makeEntry(test)
    const gateway = await start(test, 'uws', { entry: entry.path, argv: ['--start-limit', '1s'] })
    await entry.replace('setInterval(() => {}, 1000)')
    gateway.signal('SIGUSR2')
    await gateway.waitForNext(({ msg }) => msg === 'restart: the next generation starts')
    gateway.signal('SIGUSR2')
    await gateway.waitForNext(({ msg = '' }) => msg.startsWith('restart refused'))
    assert.equal(await gateway.stop(), 0)
  })
})

describe('after a restart', () => {
  it('the first process passes on SIGHUP and SIGUSR1, and restarts again when the other one is asked', async (test) => {
    const gateway = await start(test)
    const log = join(gateway.directory, 'log')
    await gateway.configure(text('node', `plugins: { access-log: { destination: '${log}' } }\n`))
    const pid = await restart(gateway)
    const ask = async (): Promise<void> => {
      const client = await RawClient.connect(test, gateway.port('main'))
      client.send('GET /app HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
      assert.equal((await client.response()).status, 200)
    }
    const lines = async (file: string) => (await readFile(file, 'utf8').catch(() => '')).split('\n').length - 1
    await ask()
    await until(async () => (await lines(log)) === 1, 'the line')
    await rename(log, `${log}.1`)
    gateway.signal('SIGUSR1')
    await until(
      () =>
        stat(log).then(
          () => true,
          () => false,
        ),
      'the new log file',
    )
    await ask()
    await until(async () => (await lines(log)) === 1, 'the line in the new file')
    gateway.signal('SIGHUP')
    await gateway.waitForNext(({ msg }) => msg === 'configuration reloaded')
    process.kill(pid, 'SIGUSR2')
    await gateway.waitForNext(SERVES)
    assert.equal(await gateway.stop(), 0)
  })

  it('the generation that serves drains and ends when the first process is killed', async (test) => {
    const upstream = await startHttpUpstream(test, (_request, response) => {
      upstream.wake()
      release = () => response.end('late')
    })
    let release: () => void = () => {}
    const gateway = await GatewayProcess.start(
      test,
      text('uws').replace(
        'routes: [',
        `upstreams: { app: { endpoints: [{ url: '${upstream.url}' }] } }\nroutes: [{ name: slow, match: { path: /slow }, upstream: app }, `,
      ),
    )
    const pid = await restart(gateway)
    const client = await RawClient.connect(test, gateway.port('main'))
    client.send('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n')
    await upstream.until(() => upstream.seen.length === 1, 'the request')
    gateway.signal('SIGKILL')
    await until(() => isRefused(gateway.port('main')), 'the end of listening')
    release()
    assert.equal((await client.response()).body.toString(), 'late')
    await until(() => !isAlive(pid), 'its end')
  })

  it('the generation that serves is started again when it crashes', async (test) => {
    const gateway = await start(test)
    const pid = await restart(gateway)
    process.kill(pid, 'SIGKILL')
    const { pid: next } = await gateway.waitForNext(SERVES)
    assert.notEqual(next, pid)
    const client = await RawClient.connect(test, gateway.port('main'))
    client.send('GET /app HTTP/1.1\r\nHost: a\r\n\r\n')
    assert.equal((await client.response()).status, 200)
    assert.equal(await gateway.stop(), 0)
    await until(() => !isAlive(next as number), 'its end')
  })

  it('a generation that hangs, and cannot end, is ended: clients would still come to it', async (test) => {
    const gateway = await start(test)
    const pid = await restart(gateway)
    process.kill(pid, 'SIGSTOP')
    await restart(gateway)
    assert.ok(!isAlive(pid))
    assert.equal(await gateway.stop(), 0)
  })

  it('a second SIGTERM ends the generation that serves and its workers at once', async (test) => {
    const upstream = await startHttpUpstream(test, () => upstream.wake())
    const gateway = await GatewayProcess.start(
      test,
      `version: 1
workers: 2
listeners: [{ name: main, bind: '127.0.0.1:0' }]
upstreams: { app: { endpoints: [{ url: '${upstream.url}' }] } }
routes: [{ name: all, upstream: app }]
drainTimeout: 10m
`,
    )
    const supervisor = await restart(gateway)
    const workers = await childrenOf(supervisor)
    const client = await RawClient.connect(test, gateway.port('main'))
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await upstream.until(() => upstream.seen.length === 1, 'the request')
    const [ended] = [gateway.stop(), await gateway.waitForLog(({ msg }) => msg === 'draining')]
    gateway.signal('SIGTERM')
    assert.equal(await ended, 1)
    await until(() => ![supervisor, ...workers].some(isAlive), 'the end of all')
  })

  it('the first process ends when the generation that serves was told to stop', async (test) => {
    const gateway = await start(test)
    process.kill(await restart(gateway), 'SIGTERM')
    await until(() => !gateway.running, 'the end')
    assert.equal(gateway.exitCode, 0)
  })
})
