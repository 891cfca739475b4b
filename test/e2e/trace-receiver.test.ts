// The receiver of traces when all is not well: no request fails, and every span is accounted for.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { OtlpReceiver } from '../lab/otlp.ts'
import { until } from '../lab/poll.ts'
import { sentTo, traceLab } from '../lab/traces.ts'

describe('a receiver of traces', () => {
  it('that is away: nothing fails, memory is bounded, what is lost is counted, and it comes back', async (test) => {
    const { client, receiver, gateway, counts, upstream } = await traceLab(test, {
      traces: 'ratio: 100%, queue: 64',
      timeout: '1s',
    })
    const { port } = receiver
    receiver.close()
    for (let i = 0; i < 200; i++) assert.equal((await client.get('/items/1')).status, 200)
    await gateway.waitForLog(({ msg }) => msg?.startsWith('traces cannot be exported') ?? false)
    const lost = await counts()
    assert.ok(lost['dropped']! > 100, JSON.stringify(lost))
    const back = await OtlpReceiver.start(test, port)
    let exported = 0
    await until(async () => {
      await client.get('/items/2')
      exported = (await counts())['exported']!
      return exported > 0
    }, 'the receiver to be found again')
    await gateway.waitForLog(({ msg }) => msg === 'traces are exported again')
    await until(async () => {
      const told = Object.values(await counts()).reduce((sum, count) => sum + count, 0)
      return told === 2 * upstream.seen.length
    }, 'every span to be accounted for')
    assert.equal(back.spans.length, (await counts())['exported'])
    assert.ok(!JSON.stringify(gateway.logs).includes('S3CRET'))
  })

  it('that refuses for a while is asked again when it says', async (test) => {
    const { client, receiver, counts, upstream } = await traceLab(test)
    receiver.mood = (_, response) => {
      if (receiver.requests > 2) return false
      response.writeHead(receiver.requests === 1 ? 503 : 429, { 'retry-after': '1' }).end()
      return true
    }
    await client.get('/items/1')
    await receiver.spansOf(sentTo(upstream)[0], 2)
    await until(async () => (await counts())['exported'] === 2, 'the counts')
    assert.deepEqual([receiver.requests, await counts()], [3, { exported: 2, dropped: 0, failed: 0 }])
  })

  const moods: Readonly<Record<string, OtlpReceiver['mood']>> = {
    'that refuses for good': (_, response) => Boolean(response.writeHead(400).end('S3CRET '.repeat(100))),
    'that closes the connection': (request) => Boolean(request.socket.destroy()),
    'that sends garbage': (request) => Boolean(request.socket.end('garbage\r\n\r\n')) || true,
    'that never answers': () => true,
    'that answers byte by byte': (_, response) => {
      response.writeHead(200)
      const drip = setInterval(() => response.write('x'), 100)
      response.on('close', () => clearInterval(drip))
      return true
    },
  }
  for (const [what, mood] of Object.entries(moods)) {
    it(`${what}: the spans are given up, and the next ones arrive`, async (test) => {
      const { client, receiver, counts, upstream, gateway } = await traceLab(test, { timeout: '500ms' })
      receiver.mood = mood
      assert.equal((await client.get('/items/1')).status, 200)
      await until(async () => (await counts())['failed'] === 2, 'the spans to be given up')
      receiver.mood = () => false
      await client.get('/items/2')
      await receiver.spansOf(sentTo(upstream)[0], 2)
      await until(async () => (await counts())['exported'] === 2, 'the counts')
      assert.ok(!JSON.stringify(gateway.logs).includes('S3CRET'))
    })
  }

  it('gets what is left when the gateway stops', async (test) => {
    const { client, receiver, gateway } = await traceLab(test)
    for (let i = 0; i < 300; i++) await client.get('/own')
    assert.equal(await gateway.stop(), 0)
    assert.equal(receiver.spans.length, 300)
  })

  it('that is silent holds up the end for two seconds at most', async (test) => {
    const { client, receiver, gateway } = await traceLab(test)
    receiver.mood = () => true
    await client.get('/own')
    const start = performance.now()
    assert.equal(await gateway.stop(), 0)
    assert.ok(performance.now() - start < 10_000)
  })
})
