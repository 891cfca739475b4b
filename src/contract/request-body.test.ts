import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RequestBody } from './request-body.ts'
import type { Reply } from './reply.ts'

function laboratory(length: number) {
  const events: string[] = []
  const flow = { pauseBody: () => events.push('pause'), resumeBody: () => events.push('resume') } as unknown as Reply
  const body = new RequestBody()
  body.start(length, flow)
  const taken: string[] = []
  const sink = {
    chunk: (bytes: Uint8Array, last: boolean) => taken.push(Buffer.from(bytes).toString() + (last ? '.' : '')),
  }
  return { body, events, taken, sink }
}

describe('request body', () => {
  it('keeps what comes before its consumer, as copies, and ends once', () => {
    const { body, taken, sink } = laboratory(6)
    const engineBuffer = Buffer.from('abc')
    body.receive(engineBuffer, false)
    engineBuffer.fill(0) // the engine takes its buffer back
    body.receive(Buffer.from('def'), true)
    body.attach(sink)
    assert.deepEqual(taken, ['abc', 'def.'])
    assert.equal(body.consumed, true)
  })

  it('ends an empty chunked body', () => {
    const { body, taken, sink } = laboratory(-1)
    body.attach(sink)
    body.receive(new Uint8Array(0), true)
    assert.deepEqual(taken, ['.'])
  })

  it('ends a body that was complete but empty before there was a consumer', () => {
    const { body, taken, sink } = laboratory(-1)
    body.receive(new Uint8Array(0), true)
    body.attach(sink)
    assert.deepEqual(taken, ['.'])
  })

  it('pauses the client while nobody takes the body, and lets it go on afterwards', () => {
    const { body, events, taken, sink } = laboratory(200 * 1024)
    body.receive(new Uint8Array(65 * 1024), false)
    assert.deepEqual(events, ['pause'])
    body.attach(sink)
    assert.deepEqual(events, ['pause', 'resume'])
    assert.equal(taken.length, 1)
  })

  it('refuses the byte that is too much and passes nothing of its chunk on', () => {
    const { body, taken, sink } = laboratory(-1)
    body.limit = 4
    body.attach(sink)
    assert.equal(body.receive(Buffer.from('abcd'), false), true)
    assert.equal(body.receive(Buffer.from('e'), false), false)
    assert.deepEqual(taken, ['abcd'])
  })

  it('lets the engine go on when the last byte comes after a pause: the next request must be read', () => {
    const { body, events, taken, sink } = laboratory(200 * 1024)
    body.receive(new Uint8Array(65 * 1024), false)
    body.receive(new Uint8Array(135 * 1024), true)
    assert.deepEqual(events, ['pause', 'resume'])
    body.attach(sink)
    assert.equal(taken.length, 2)
    assert.ok(taken[1]!.endsWith('.') && !taken[0]!.endsWith('.'))
  })

  it('keeps what an engine delivers in spite of a pause, and hands it on when asked', () => {
    const { body, events, taken } = laboratory(-1)
    const sink = {
      chunk(bytes: Uint8Array) {
        taken.push(Buffer.from(bytes).toString())
        body.pause()
      },
    }
    body.attach(sink)
    for (const text of ['a', 'b', 'c']) body.receive(Buffer.from(text), text === 'c')
    assert.deepEqual(taken, ['a'])
    body.resume()
    body.resume()
    assert.deepEqual(taken, ['a', 'b', 'c'])
    assert.deepEqual(events, ['pause', 'resume'])
  })

  it('discards the rest without keeping it', () => {
    const { body, events, taken, sink } = laboratory(1000 * 1024)
    body.receive(new Uint8Array(70 * 1024), false)
    body.discard()
    assert.deepEqual(events, ['pause', 'resume'])
    assert.equal(body.receive(new Uint8Array(70 * 1024), false), true)
    assert.deepEqual(taken, [])
    void sink
  })

  describe('with a transform', () => {
    const never = (error: unknown): never => assert.fail(String(error))
    const upper = {
      chunk: (bytes: Uint8Array) => Buffer.from(Buffer.from(bytes).toString().toUpperCase()),
      end: () => Buffer.from('!'),
    }

    it('hands on what it makes, and its end with the last', () => {
      const { body, taken, sink } = laboratory(4)
      body.transform(upper, never)
      assert.equal(body.length, -1, 'the length is not known any more')
      body.receive(Buffer.from('ab'), false)
      body.attach(sink)
      body.receive(Buffer.from('cd'), true)
      assert.deepEqual(taken, ['AB', 'CD', '!.'])
    })

    it('never hands on an empty chunk, which could be taken for the end', () => {
      const { body, taken, sink } = laboratory(-1)
      body.transform({ chunk: () => new Uint8Array(0), end: () => null }, never)
      body.attach(sink)
      body.receive(Buffer.from('a'), false)
      body.receive(Buffer.from('b'), true)
      assert.deepEqual(taken, ['.'])
    })

    it('ends an empty body once: it counts as consumed', () => {
      const { body, taken, sink } = laboratory(-1)
      body.receive(new Uint8Array(0), true)
      body.transform(upper, never)
      body.attach(sink)
      assert.deepEqual([taken, body.consumed], [['!.'], true])
    })

    it('keeps what comes while the consumer waits, untransformed', () => {
      const { body, taken } = laboratory(-1)
      body.transform(upper, never)
      const slow = {
        chunk(bytes: Uint8Array, last: boolean) {
          taken.push(Buffer.from(bytes).toString() + (last ? '.' : ''))
          if (!last) body.pause()
        },
      }
      body.attach(slow)
      for (const text of ['a', 'b', 'c']) body.receive(Buffer.from(text), text === 'c')
      assert.deepEqual(taken, ['A'])
      body.resume()
      assert.deepEqual(taken, ['A', 'B'])
      body.resume()
      assert.deepEqual(taken, ['A', 'B', 'C', '!.'])
    })

    for (const at of ['chunk', 'end'] as const) {
      it(`tells of a throw at ${at} once, later, and passes nothing more on`, async () => {
        const { body, taken, sink } = laboratory(-1)
        const errors: unknown[] = []
        const broken = {
          chunk(bytes: Uint8Array) {
            if (at === 'chunk') throw new Error('broken')
            return bytes
          },
          end(): null {
            throw new Error('broken')
          },
        }
        body.transform(broken, (error) => errors.push(error))
        body.attach(sink)
        body.receive(Buffer.from('a'), false)
        body.receive(Buffer.from('b'), true)
        assert.deepEqual(errors, [])
        await Promise.resolve()
        assert.equal(errors.length, 1)
        assert.ok(!taken.some((text) => text.endsWith('.')), 'it never looks whole')
      })
    }

    it('does not tell the next request of the failure of the last', async () => {
      const { body, sink } = laboratory(-1)
      const broken = {
        chunk(): null {
          throw new Error('broken')
        },
        end: () => null,
      }
      body.transform(broken, never)
      body.attach(sink)
      body.receive(Buffer.from('a'), true)
      body.reset()
      await Promise.resolve()
    })
  })
})
