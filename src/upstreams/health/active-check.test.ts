// Checks of real servers over real sockets: good ones, bad ones, and some that are out for trouble.
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { refusingPort, startHttpUpstream, startRawUpstream, type Upstream } from '../../../test/lab/upstreams.ts'
import { SimulatedTime } from '../../../test/lab/simulated-time.ts'
import { TimerWheel } from '../../base/timer-wheel.ts'
import { ActiveCheck, type ActiveCheckOptions } from './active-check.ts'

const PATIENCE = 15_000

const OPTIONS: ActiveCheckOptions = {
  kind: 'http',
  path: '/health?deep=1',
  port: 0,
  host: '',
  expected: [[200, 299]],
  interval: 10,
  timeout: 10_000,
  healthy: 2,
  unhealthy: 3,
  jitter: 0.1,
}

interface Checked {
  readonly check: ActiveCheck
  readonly wheel: TimerWheel
  /** Each change of `healthy`, with the number of checks until then. */
  readonly changes: [healthy: boolean, checks: number][]
  /** Waits until so many checks have ended. */
  readonly ended: (count: number) => Promise<void>
}

function startCheck(test: TestContext, url: string, options: Partial<ActiveCheckOptions> = {}): Checked {
  const wheel = new TimerWheel()
  const check = new ActiveCheck(url, { ...OPTIONS, ...options }, wheel)
  const changes: Checked['changes'] = []
  check.onChange = () => changes.push([check.healthy, check.checks])
  check.start()
  test.after(() => check.close())
  const ended = (count: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`only ${check.checks} checks`)), PATIENCE)
      check.onCheck = () => {
        if (check.checks < count) return
        clearTimeout(timer)
        resolve()
      }
    })
  return { check, wheel, changes, ended }
}

/** The first check of an endpoint that answers like this: '' or what was wrong. Nothing may be left of it. */
async function verdict(
  test: TestContext,
  answer: (socket: Socket) => void,
  options: Partial<ActiveCheckOptions> = {},
): Promise<string> {
  const upstream = await startRawUpstream(test, answer)
  const { check, ended } = startCheck(test, upstream.url, options)
  await ended(1)
  check.close()
  await upstream.until(() => upstream.sockets.size === 0, 'the end of all connections')
  assert.equal(check.failures, check.lastError === '' ? 0 : 1)
  assert.equal(check.healthy, check.lastError === '')
  return check.lastError
}

/** Writes it again and again, as fast as it is taken or, with a pause, slowly, until the socket is gone. */
function babble(socket: Socket, text: string, pause = 0): void {
  const write = (): void => {
    if (!socket.writable) return
    if (pause > 0) setTimeout(write, pause)
    else if (socket.writableNeedDrain) return
    else setImmediate(write)
    socket.write(text)
  }
  socket.on('drain', write)
  write()
}

describe('active check over HTTP', () => {
  it('asks with GET, on a connection of its own, for the host of the url', async (test) => {
    const upstream = await startHttpUpstream(test, (_, response) => response.end('well'))
    const { check, ended } = startCheck(test, upstream.url)
    await ended(3)
    assert.deepEqual([check.healthy, check.failures, check.lastError], [true, 0, ''])
    const [seen] = upstream.seen
    assert.deepEqual([seen!.method, seen!.target], ['GET', '/health?deep=1'])
    assert.equal(seen!.header('host'), new URL(upstream.url).host)
    assert.equal(seen!.header('connection'), 'close')
    assert.ok(upstream.opened >= 3)
  })

  it('asks for another host, on another port, if it is told so', async (test) => {
    const upstream = await startHttpUpstream(test, (_, response) => response.end())
    const options = { host: 'shop.example', port: upstream.port }
    const { check, ended } = startCheck(test, 'http://127.0.0.1:1', options)
    await ended(1)
    assert.equal(check.lastError, '')
    assert.equal(upstream.seen[0]!.header('host'), 'shop.example')
  })

  it('goes down and up by the thresholds, and the first check decides alone', async (test) => {
    // Results of the checks, in their order; the last one stays.
    const plan = [500, 200, 200, 500, 500, 200, 500, 500, 503, 200]
    const upstream = await startHttpUpstream(test, (_, response) => {
      response.statusCode = plan.length > 1 ? plan.shift()! : plan[0]!
      response.end()
    })
    const { check, changes, ended } = startCheck(test, upstream.url)
    await ended(12)
    assert.deepEqual(changes, [
      [false, 1],
      [true, 3],
      [false, 9],
      [true, 11],
    ])
    assert.deepEqual([check.failures, check.lastError], [6, ''])
  })

  it('knows which answers are well', async (test) => {
    const answering = (status: string) => (socket: Socket) =>
      void socket.end(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`)
    const expected = [
      [200, 204],
      [401, 401],
    ] as const
    assert.equal(await verdict(test, answering('204 No Content'), { expected }), '')
    assert.equal(await verdict(test, answering('401 Unauthorized'), { expected }), '')
    assert.equal(await verdict(test, answering('205 Reset Content'), { expected }), 'status 205')
    assert.equal(await verdict(test, answering('302 Found'), { expected }), 'status 302')
  })

  it('fails where nobody listens', async (test) => {
    const { check, changes, ended } = startCheck(test, `http://127.0.0.1:${await refusingPort()}`)
    await ended(3)
    assert.deepEqual(changes, [[false, 1]])
    assert.deepEqual([check.failures, check.lastError], [3, 'ECONNREFUSED'])
  })

  it('fails when no complete answer comes in time, one check after the other', async (test) => {
    const upstream = await startRawUpstream(test, () => {})
    const { check, ended } = startCheck(test, upstream.url, { timeout: 30 })
    await ended(3)
    assert.equal(check.lastError, 'no complete answer within 30 ms')
    assert.ok(upstream.opened <= check.checks + 1)
    check.close()
    await upstream.until(() => upstream.sockets.size === 0, 'the end of all connections')
  })

  it('is not fooled by answers that break off, are none, or never end', async (test) => {
    const head = 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n'
    const slow = { timeout: 100 }
    assert.equal(await verdict(test, (socket) => void socket.resetAndDestroy()), 'ECONNRESET')
    assert.equal(await verdict(test, (socket) => void socket.end()), 'ECONNRESET')
    assert.equal(await verdict(test, (socket) => void socket.end(`${head}short`)), 'the connection was closed')
    assert.match(await verdict(test, (socket) => void socket.end('SSH-2.0-OpenSSH_9.2\r\n')), /^HPE_/)
    assert.match(await verdict(test, (socket) => void socket.write(`${head}short`), slow), /no complete answer/)
    assert.match(await verdict(test, (socket) => babble(socket, 'x', 5), slow), /^HPE_|no complete answer/)
    const drip = (socket: Socket): void => {
      socket.write('HTTP/1.1 500 Oh\r\nContent-Length: 9999\r\n\r\n')
      babble(socket, 'x', 5)
    }
    assert.equal(await verdict(test, drip, slow), 'status 500')
    const upgrade = 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'
    assert.match(await verdict(test, (socket) => void socket.write(upgrade)), /switches protocols/)
  })

  it('reads no more than it must of endless heads, answers before the answer, and bodies', async (test) => {
    const endlessHead = (socket: Socket): void => {
      socket.write('HTTP/1.1 200 OK\r\n')
      babble(socket, 'X-More: of the same, again and again and again\r\n')
    }
    assert.equal(await verdict(test, endlessHead), 'HPE_HEADER_OVERFLOW')
    const hints = `HTTP/1.1 103 Early Hints\r\nLink: ${'x'.repeat(1000)}\r\n\r\n`
    assert.equal(await verdict(test, (socket) => babble(socket, hints)), 'no answer in 65536 bytes')
    const endlessBody = (status: string) => (socket: Socket) => {
      socket.write(`HTTP/1.1 ${status}\r\nTransfer-Encoding: chunked\r\n\r\n`)
      babble(socket, `400\r\n${'x'.repeat(1024)}\r\n`)
    }
    assert.equal(await verdict(test, endlessBody('200 OK')), '')
    assert.equal(await verdict(test, endlessBody('500 Oh')), 'status 500')
  })

  it('speaks TLS to an endpoint that says https', async (test) => {
    const upstream = await startRawUpstream(test, () => {})
    upstream
      .until(() => upstream.sockets.size > 0, 'a connection')
      .then(
        () => upstream.sockets.forEach((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')),
        () => {},
      )
    const { check, ended } = startCheck(test, upstream.url.replace('http:', 'https:'))
    await ended(1)
    assert.match(check.lastError, /SSL|EPROTO/)
  })

  it('never throws, whatever it is told to send', async (test) => {
    for (const options of [{ path: '/a b\n' }, { host: 'a\r\nb: c' }, { port: 70_000 }]) {
      const { check, ended } = startCheck(test, 'http://127.0.0.1:1', options)
      await ended(2)
      assert.equal(check.healthy, false)
      assert.notEqual(check.lastError, '')
    }
    const { check, ended } = startCheck(test, 'not a url')
    await ended(1)
    assert.match(check.lastError, /Invalid URL/)
  })
})

describe('active check over TCP', () => {
  it('passes when a connection is accepted, and fails when it is refused', async (test) => {
    const upstream = await startRawUpstream(test, () => {})
    const { check, ended } = startCheck(test, upstream.url, { kind: 'tcp' })
    await ended(3)
    assert.deepEqual([check.healthy, check.failures], [true, 0])
    check.close()
    await upstream.until(() => upstream.sockets.size === 0, 'the end of all connections')
    const refused = startCheck(test, upstream.url, { kind: 'tcp', port: await refusingPort() })
    await refused.ended(1)
    assert.deepEqual([refused.check.healthy, refused.check.lastError], [false, 'ECONNREFUSED'])
  })
})

describe('active check, as it begins and ends', () => {
  it('checks first within a second, or within a shorter interval', () => {
    for (const [interval, random, latest] of [
      [60_000, 0.99, 1000],
      [500, 0.99, 500],
      [60_000, 0, 20],
    ] as const) {
      const time = new SimulatedTime()
      const check = new ActiveCheck('not a url', { ...OPTIONS, interval }, time.wheel, () => random)
      time.pass(5000)
      assert.equal(check.checks, 0)
      check.start()
      check.start()
      time.pass(latest + 10)
      assert.equal(check.checks, 1)
      check.close()
    }
  })

  it('checks again after the interval, give or take the jitter', () => {
    for (const [random, expected] of [
      [0, 900],
      [0.5, 1000],
      [1, 1100],
    ] as const) {
      const time = new SimulatedTime()
      const check = new ActiveCheck('not a url', { ...OPTIONS, interval: 1000 }, time.wheel, () => random)
      check.start()
      while (check.checks === 0) time.pass(10)
      time.pass(expected - 20)
      assert.equal(check.checks, 1)
      time.pass(40)
      assert.equal(check.checks, 2)
    }
  })

  it('leaves nothing behind when it is closed: before, during and between checks, and by whoever hears of it', async (test) => {
    const upstream: Upstream = await startRawUpstream(test, () => {})
    const unstarted = startCheck(test, upstream.url)
    unstarted.check.close()
    unstarted.check.start()
    assert.equal(unstarted.wheel.size, 0)
    const hanging = startCheck(test, upstream.url)
    await upstream.until(() => upstream.sockets.size === 1, 'a check')
    hanging.check.close()
    assert.equal(hanging.wheel.size, 0)
    await upstream.until(() => upstream.sockets.size === 0, 'the end of the check')
    for (const event of ['onChange', 'onCheck'] as const) {
      const failing = startCheck(test, 'not a url')
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`no ${event}`)), PATIENCE)
        failing.check[event] = () => {
          failing.check.close()
          clearTimeout(timer)
          resolve()
        }
      })
      assert.deepEqual([failing.wheel.size, failing.changes.length], [0, 0])
    }
    assert.equal(hanging.check.checks, 0)
  })

  it('opens no socket that outlives it when it is closed in the turn in which a check began', async (test) => {
    const upstream = await startRawUpstream(test, () => {})
    for (const kind of ['http', 'tcp'] as const) {
      const time = new SimulatedTime()
      const check = new ActiveCheck(upstream.url, { ...OPTIONS, kind }, time.wheel, () => 0)
      check.start()
      time.pass(20)
      check.close()
      assert.equal(time.wheel.size, 0)
    }
    await upstream.until(() => upstream.sockets.size === 0, 'the end of all connections')
  })
})
