// The pool over real sockets: how many connections, who waits, what is kept and for how long, and who goes elsewhere.
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { startRawUpstream, type Upstream } from '../../../test/lab/upstreams.ts'
import { TimerWheel } from '../../base/timer-wheel.ts'
import { Exchange } from '../../contract/exchange.ts'
import type { ListenerContext, Road } from '../../contract/road.ts'
import type { Attempt, ResponseReceiver } from '../../contract/transport.ts'
import type { WireAttempt } from './attempt.ts'
import type { WireOptions } from './options.ts'
import { WireTransport } from './transport.ts'

const OPTIONS: WireOptions = {
  connectTimeout: 5000,
  maxConnections: 8,
  queue: 8,
  keepAlive: 60_000,
  maxRequests: 1000,
  maxHeadSize: 16 * 1024,
  maxFields: 100,
  pipelining: 1,
}

interface Asked {
  readonly attempt: WireAttempt
  /** The body; rejects with the code of the failure. Never settles after a cancel. */
  readonly reply: Promise<string>
}

class Laboratory {
  readonly transport: WireTransport
  readonly upstream: Upstream
  /** Sockets whose replies are due, with the path of each request, as they came. */
  readonly due: { readonly socket: Socket; readonly path: string }[] = []

  private constructor(upstream: Upstream, options: Partial<WireOptions>, due: Laboratory['due']) {
    this.upstream = upstream
    this.due = due
    this.transport = new WireTransport(upstream.url, { ...OPTIONS, ...options }, new TimerWheel())
  }

  static async start(test: TestContext, options: Partial<WireOptions> = {}): Promise<Laboratory> {
    const due: { socket: Socket; path: string }[] = []
    const upstream = await startRawUpstream(test, (socket, { head }) => {
      due.push({ socket, path: /^\w+ (\S+)/.exec(head)![1]! })
    })
    const laboratory = new Laboratory(upstream, options, due)
    test.after(() => laboratory.transport.close())
    return laboratory
  }

  ask(path: string, { method = 'GET', fresh = false } = {}): Asked {
    const x = new Exchange({} as Road, {} as ListenerContext)
    x.method = method
    x.upstreamTarget = path
    const body: string[] = []
    let attempt!: Attempt
    const promise = new Promise<string>((resolve, reject) => {
      const receiver: ResponseReceiver = {
        connected() {},
        sent() {},
        head() {},
        data: (_, bytes) => void body.push(Buffer.from(bytes).toString()),
        ended: () => resolve(body.join('')),
        failed: (_, failure) => reject(new Error(failure.kind.code)),
      }
      attempt = this.transport.send(x, receiver, fresh)
    })
    return { attempt: attempt as WireAttempt, reply: promise }
  }

  /** Waits until `count` requests have come, and answers them with their paths. */
  async serve(count: number, extra = ''): Promise<void> {
    await this.upstream.until(() => this.due.length >= count, `${count} requests`)
    for (const { socket, path } of this.due.splice(0, count)) reply(socket, path, extra)
  }

  async served(path: string): Promise<string> {
    const { reply: promise } = this.ask(path)
    await this.serve(1)
    return promise
  }

  get open(): number {
    return this.upstream.sockets.size
  }
}

function reply(socket: Socket, body: string, extra = ''): void {
  socket.write(`HTTP/1.1 200 OK\r\n${extra}Content-Length: ${body.length}\r\n\r\n${body}`)
}

async function turn(until: () => boolean): Promise<void> {
  for (let i = 0; i < 10_000 && !until(); i++) await new Promise((resolve) => setImmediate(resolve))
  assert.ok(until())
}

describe('connections', () => {
  it('are kept and used again', async (test) => {
    const laboratory = await Laboratory.start(test)
    for (let i = 0; i < 5; i++) assert.equal(await laboratory.served(`/${i}`), `/${i}`)
    assert.equal(laboratory.upstream.opened, 1)
    assert.equal(laboratory.transport.connections, 1)
  })

  it('are never more than allowed; who comes first is served first', async (test) => {
    const laboratory = await Laboratory.start(test, { maxConnections: 2 })
    const asked = ['/a', '/b', '/c', '/d', '/e'].map((path) => laboratory.ask(path))
    await laboratory.upstream.until(() => laboratory.due.length === 2, 'two requests')
    assert.ok(asked[2]!.attempt.queued)
    const order: string[] = []
    for (let i = 0; i < 5; i++) {
      await laboratory.upstream.until(() => laboratory.due.length === Math.min(2, 5 - i), 'the next in line')
      order.push(laboratory.due[0]!.path)
      await laboratory.serve(1)
    }
    assert.deepEqual(await Promise.all(asked.map((each) => each.reply)), ['/a', '/b', '/c', '/d', '/e'])
    assert.deepEqual(order.slice(2), ['/c', '/d', '/e'])
    assert.equal(laboratory.upstream.opened, 2)
  })

  it('refuse what the queue does not hold', async (test) => {
    const laboratory = await Laboratory.start(test, { maxConnections: 1, queue: 1 })
    const first = laboratory.ask('/first')
    await laboratory.upstream.until(() => laboratory.due.length === 1, 'the first')
    const second = laboratory.ask('/second')
    await assert.rejects(laboratory.ask('/third').reply, /SLUICE_UPSTREAM_OVERLOADED/)
    await laboratory.serve(1)
    await laboratory.serve(1)
    assert.deepEqual([await first.reply, await second.reply], ['/first', '/second'])
  })

  it('pass over those that left the line', async (test) => {
    const laboratory = await Laboratory.start(test, { maxConnections: 1 })
    const first = laboratory.ask('/first')
    await laboratory.upstream.until(() => laboratory.due.length === 1, 'the first')
    const gone = laboratory.ask('/gone')
    const last = laboratory.ask('/last')
    gone.attempt.cancel()
    await laboratory.serve(1)
    await laboratory.serve(1)
    assert.deepEqual([await first.reply, await last.reply], ['/first', '/last'])
  })

  it('end when nobody needs them for a while', async (test) => {
    const laboratory = await Laboratory.start(test, { keepAlive: 50 })
    await laboratory.served('/')
    await laboratory.upstream.until(() => laboratory.open === 0, 'the idle connection to be closed')
    assert.equal(laboratory.transport.connections, 0)
    assert.equal(await laboratory.served('/again'), '/again')
  })

  it('end earlier when the upstream wants it', async (test) => {
    const laboratory = await Laboratory.start(test)
    const { reply: promise } = laboratory.ask('/')
    await laboratory.serve(1, 'Keep-Alive: timeout=1, max=100\r\n')
    await promise
    await laboratory.upstream.until(() => laboratory.open === 0, 'the idle connection to be closed')
  })

  it('end after so many requests', async (test) => {
    const laboratory = await Laboratory.start(test, { maxRequests: 2 })
    for (let i = 0; i < 5; i++) await laboratory.served('/')
    assert.equal(laboratory.upstream.opened, 3)
  })

  it('are new ones for a request that wants so', async (test) => {
    const laboratory = await Laboratory.start(test)
    await laboratory.served('/')
    const fresh = laboratory.ask('/fresh', { fresh: true })
    await laboratory.serve(1)
    assert.equal(await fresh.reply, '/fresh')
    assert.equal(laboratory.upstream.opened, 2)
  })

  it('make room for a new one', async (test) => {
    const laboratory = await Laboratory.start(test, { maxConnections: 1 })
    await laboratory.served('/')
    const fresh = laboratory.ask('/fresh', { fresh: true })
    await laboratory.serve(1)
    assert.equal(await fresh.reply, '/fresh')
    await laboratory.upstream.until(() => laboratory.open === 1, 'the first to be closed')
  })

  it('go when they get bytes that nobody asked for', async (test) => {
    const laboratory = await Laboratory.start(test)
    await laboratory.served('/')
    const [socket] = laboratory.upstream.sockets
    reply(socket!, 'stolen')
    await laboratory.upstream.until(() => laboratory.open === 0, 'the connection to be closed')
    assert.equal(laboratory.transport.connections, 0)
    assert.equal(await laboratory.served('/next'), '/next')
  })

  it('go with a cancelled request, and the next is not kept waiting', async (test) => {
    const laboratory = await Laboratory.start(test, { maxConnections: 1 })
    const gone = laboratory.ask('/gone')
    await laboratory.upstream.until(() => laboratory.due.length === 1, 'the request')
    const next = laboratory.ask('/next')
    gone.attempt.cancel()
    await laboratory.upstream.until(() => laboratory.due.length === 2, 'the next')
    laboratory.due.shift()
    await laboratory.serve(1)
    assert.equal(await next.reply, '/next')
  })

  it('end with the transport: idle ones at once, busy ones after their replies', async (test) => {
    const laboratory = await Laboratory.start(test)
    const asked = [laboratory.ask('/a'), laboratory.ask('/b')]
    await laboratory.serve(1)
    await Promise.race(asked.map((each) => each.reply))
    laboratory.transport.close()
    await laboratory.upstream.until(() => laboratory.open === 1, 'the idle connection to be closed')
    await laboratory.serve(1)
    assert.deepEqual(await Promise.all(asked.map((each) => each.reply)), ['/a', '/b'])
    await laboratory.upstream.until(() => laboratory.open === 0, 'the busy connection to be closed')
    assert.equal(laboratory.transport.connections, 0)
  })

  it('that cannot be had fail all who wait for them', async (test) => {
    const laboratory = await Laboratory.start(test, { maxConnections: 2 })
    laboratory.upstream.close()
    const asked = Array.from({ length: 6 }, () => laboratory.ask('/').reply)
    for (const each of await Promise.allSettled(asked))
      assert.match(String((each as PromiseRejectedResult).reason), /SLUICE_UPSTREAM_CONNECT/)
    assert.equal(laboratory.transport.connections, 0)
  })
})

describe('pipelining', () => {
  /** One connection that has proved itself. */
  async function proved(test: TestContext, options: Partial<WireOptions> = {}): Promise<Laboratory> {
    const laboratory = await Laboratory.start(test, { pipelining: 4, maxConnections: 1, ...options })
    await laboratory.served('/proof')
    return laboratory
  }

  it('sends requests of one turn together, and gives each its reply', async (test) => {
    const laboratory = await proved(test, { maxConnections: 8 })
    const asked = ['/a', '/b', '/c', '/d', '/e'].map((path) => laboratory.ask(path))
    await laboratory.upstream.until(() => laboratory.due.length === 5, 'all requests')
    const sockets = laboratory.due.map(({ socket }) => socket)
    assert.equal(new Set(sockets.slice(0, 4)).size, 1)
    assert.notEqual(sockets[4], sockets[0])
    await laboratory.serve(5)
    assert.deepEqual(await Promise.all(asked.map((each) => each.reply)), ['/a', '/b', '/c', '/d', '/e'])
  })

  it('lets nothing share a connection with a request that must not be repeated', async (test) => {
    const laboratory = await proved(test)
    const asked = [laboratory.ask('/a'), laboratory.ask('/post', { method: 'POST' }), laboratory.ask('/b')]
    await laboratory.upstream.until(() => laboratory.due.length === 2, 'two requests')
    assert.deepEqual(
      laboratory.due.map(({ path }) => path),
      ['/a', '/b'],
    )
    await laboratory.serve(2)
    await laboratory.serve(1)
    assert.deepEqual(await Promise.all(asked.map((each) => each.reply)), ['/a', '/post', '/b'])
  })

  it('sends those elsewhere that have not one byte when the connection dies', async (test) => {
    const laboratory = await proved(test)
    const asked = ['/a', '/b', '/c'].map((path) => laboratory.ask(path))
    await laboratory.upstream.until(() => laboratory.due.length === 3, 'all requests')
    const [first] = laboratory.due.splice(0)
    first!.socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n/aHTTP/1.1 200')
    const cut = assert.rejects(asked[1]!.reply, /SLUICE_UPSTREAM_TRUNCATED/)
    await laboratory.serve(1)
    assert.deepEqual([await asked[0]!.reply, await asked[2]!.reply], ['/a', '/c'])
    await cut
    assert.equal(laboratory.upstream.opened, 2)
  })

  it('forgets one that is cancelled while it waits to go elsewhere', async (test) => {
    const laboratory = await proved(test)
    const asked = ['/a', '/b', '/c'].map((path) => laboratory.ask(path))
    await laboratory.upstream.until(() => laboratory.due.length === 3, 'all requests')
    const [first] = laboratory.due.splice(0)
    reply(first!.socket, '/a', 'Connection: close\r\n')
    await asked[0]!.reply
    await turn(() => asked[1]!.attempt.connection === null)
    asked[1]!.attempt.cancel()
    await laboratory.serve(1)
    assert.equal(await asked[2]!.reply, '/c')
  })

  it('takes back one that is cancelled before it was written', async (test) => {
    const laboratory = await proved(test)
    const asked = ['/a', '/b', '/c'].map((path) => laboratory.ask(path))
    asked[1]!.attempt.cancel()
    await laboratory.upstream.until(() => laboratory.due.length === 2, 'two requests')
    await laboratory.serve(2)
    assert.deepEqual([await asked[0]!.reply, await asked[2]!.reply], ['/a', '/c'])
    assert.equal(laboratory.upstream.opened, 1)
  })

  it('drops the reply to one that was cancelled in the middle', async (test) => {
    const laboratory = await proved(test)
    const asked = ['/a', '/b', '/c'].map((path) => laboratory.ask(path))
    await laboratory.upstream.until(() => laboratory.due.length === 3, 'all requests')
    asked[1]!.attempt.cancel()
    await laboratory.serve(3)
    assert.deepEqual([await asked[0]!.reply, await asked[2]!.reply], ['/a', '/c'])
    assert.equal(laboratory.upstream.opened, 1)
  })

  it('gives a connection up when all its requests are', async (test) => {
    const laboratory = await proved(test)
    const asked = ['/a', '/b'].map((path) => laboratory.ask(path))
    await laboratory.upstream.until(() => laboratory.due.length === 2, 'all requests')
    asked[0]!.attempt.cancel()
    const behind = laboratory.ask('/c')
    asked[1]!.attempt.cancel()
    laboratory.due.splice(0)
    await laboratory.serve(1)
    assert.equal(await behind.reply, '/c')
    assert.equal(laboratory.upstream.opened, 2)
  })

  it('waits for the first reply of a new connection', async (test) => {
    const laboratory = await Laboratory.start(test, { pipelining: 4, maxConnections: 1 })
    const asked = ['/a', '/b', '/c'].map((path) => laboratory.ask(path))
    await laboratory.upstream.until(() => laboratory.due.length === 1, 'the first')
    await laboratory.serve(1)
    await laboratory.upstream.until(() => laboratory.due.length === 2, 'the others')
    await laboratory.serve(2)
    assert.deepEqual(await Promise.all(asked.map((each) => each.reply)), ['/a', '/b', '/c'])
  })

  it('does not take bytes for the reply to a request that was not written yet', async (test) => {
    const laboratory = await proved(test)
    const [socket] = laboratory.upstream.sockets
    // Between here and the end of the turn, when heads leave, lies one look for bytes that have come.
    await new Promise((resolve) => setImmediate(resolve))
    reply(socket!, 'stolen')
    const asked = ['/a', '/b'].map((path) => laboratory.ask(path))
    await laboratory.serve(1)
    await laboratory.serve(1)
    assert.deepEqual(await Promise.all(asked.map((each) => each.reply)), ['/a', '/b'])
  })
})
