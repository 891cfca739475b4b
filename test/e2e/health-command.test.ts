// `sluice health` against a real gateway, and against servers that answer badly or not at all.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { GatewayProcess } from '../lab/gateway.ts'
import { until } from '../lab/poll.ts'
import { RawClient } from '../lab/raw-client.ts'
import { refusingPort, startHttpUpstream } from '../lab/upstreams.ts'

const MAIN = new URL('../../src/cli/main.ts', import.meta.url).pathname

function health(...argv: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, 'health', ...argv], (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    )
  })
}

/** A server that gets every byte and answers with these. */
async function startBabbler(test: TestContext, answer: string): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', () => void socket.write(answer))
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  test.after(() => server.close())
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`
}

const SLOW = `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: node }]
admin: { bind: '127.0.0.1:0' }
`

describe('sluice health', () => {
  it('exits 0 while the gateway is ready, 1 while it drains and when it is gone; --live is about the process', async (test) => {
    let release = (): void => {}
    const upstream = await startHttpUpstream(test, (_, response) => {
      release = () => void response.end('late')
    })
    const gateway = await GatewayProcess.start(
      test,
      `${SLOW}upstreams: { slow: { endpoints: [{ url: '${upstream.url}' }] } }\nroutes: [{ name: r, upstream: slow }]\n`,
    )
    const admin = `http://127.0.0.1:${gateway.port('admin')}`
    assert.deepEqual(await health('--admin', admin), { code: 0, out: `${admin}/readyz: ok\n`, err: '' })

    // A request that is under way keeps the gateway from ending.
    const client = await RawClient.connect(test, gateway.port('main'))
    const reply = client.get('/')
    await until(() => upstream.opened > 0, 'the request')
    gateway.signal('SIGTERM')
    await gateway.waitForLog(({ msg }) => msg === 'draining')
    assert.deepEqual(await health('--admin', admin), { code: 1, out: '', err: `${admin}/readyz: status 503\n` })
    assert.equal((await health('--admin', admin, '--live')).code, 0)
    release()
    assert.equal((await reply).status, 200)
    await until(() => !gateway.running, 'the end of the gateway')
    assert.equal(gateway.exitCode, 0)
    assert.match((await health('--admin', admin)).err, /ECONNREFUSED/)
  })

  it('speaks over a unix socket', async (test) => {
    const socket = join(tmpdir(), `sluice-health-${process.pid}.sock`)
    await GatewayProcess.start(
      test,
      `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0' }]
admin: { bind: 'unix:${socket}' }
routes: [{ name: r, respond: {} }]
`,
    )
    assert.equal((await health('--admin', `unix:${socket}`)).code, 0)
    assert.match((await health('--admin', `unix:${socket}.other`)).err, /ENOENT/)
  })

  it('takes nothing but a 200 for health, and waits no longer than it is told', async (test) => {
    const refused = await health('--admin', `http://127.0.0.1:${await refusingPort()}`)
    assert.deepEqual([refused.code, refused.out], [1, ''])
    const silent = await health('--admin', await startBabbler(test, ''), '--timeout', '200ms')
    assert.deepEqual([silent.code, /no answer within 200 ms/.test(silent.err)], [1, true])
    const garbage = await health('--admin', await startBabbler(test, 'hello\r\n\r\n'))
    assert.equal(garbage.code, 1)
    const elsewhere = await health(
      '--admin',
      await startBabbler(test, 'HTTP/1.1 302 Found\r\nLocation: /livez\r\n\r\n'),
    )
    assert.match(elsewhere.err, /status 302/)
    // The head counts: an answer whose body never ends is an answer.
    assert.equal(
      (await health('--admin', await startBabbler(test, 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\no'))).code,
      0,
    )
  })

  it('takes the address from the environment', async (test) => {
    process.env['SLUICE_ADMIN'] = await startBabbler(test, 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    test.after(() => delete process.env['SLUICE_ADMIN'])
    assert.equal((await health()).code, 0)
  })

  it('tells a usage error by exit code 2', async () => {
    const wrong = [
      ['--admin', 'ftp://127.0.0.1'],
      ['--admin', 'https://127.0.0.1'],
      ['--admin', '127.0.0.1:9901'],
      ['--admin', 'http://127.0.0.1/readyz'],
      ['--admin', 'http://user:word@127.0.0.1'],
      ['--admin', 'unix:'],
      ['--timeout', '2'],
      ['--timeout', '0s'],
      ['--timeout', '61s'],
      ['--quick'],
      ['now'],
    ]
    for (const argv of wrong) {
      const { code, err } = await health(...argv)
      assert.equal(code, 2, argv.join(' '))
      assert.match(err, /^sluice health: .*\nUsage: sluice health/)
    }
  })
})
