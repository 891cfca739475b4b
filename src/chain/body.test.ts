import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { BodyStep, BodyTransform } from '../contract/body-transform.ts'
import type { Exchange } from '../contract/exchange.ts'
import type { Step } from '../contract/snapshot.ts'
import { openPipe } from './body.ts'

function laboratory(...transforms: (BodyTransform | null | Error)[]) {
  const x = { failedPlugin: '' } as Exchange
  const steps = transforms.map((transform, i): Step<BodyStep> => {
    const run: BodyStep = () => {
      if (transform instanceof Error) throw transform
      return transform
    }
    return { plugin: `p${i}`, run, timing: { calls: 0, total: 0 } }
  })
  return { x, open: () => openPipe(x, steps) }
}

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (out: Uint8Array | null) => (out === null ? null : Buffer.from(out).toString())

/** Every transform writes into one buffer of its own, as the contract allows. */
function prefix(mark: string): BodyTransform {
  const own = Buffer.alloc(64)
  const write = (what: string): Uint8Array => own.subarray(0, own.write(what))
  return { chunk: (chunk) => write(mark + Buffer.from(chunk).toString()), end: () => write(`${mark}end`) }
}

function hold(): BodyTransform {
  const parts: Buffer[] = []
  return { chunk: (chunk) => (parts.push(Buffer.from(chunk)), null), end: () => Buffer.concat(parts) }
}

describe('body transforms of a chain', () => {
  it('costs nothing when no plugin takes part', () => {
    assert.equal(laboratory().open(), null)
    assert.equal(laboratory(null, null).open(), null)
  })

  it('runs in order, and each gets the end of the one before as a chunk before its own', () => {
    const pipe = laboratory(prefix('a'), null, prefix('b')).open()!
    assert.equal(text(pipe.chunk(bytes('1'))), 'ba1')
    assert.equal(text(pipe.end()), 'baendbend')
  })

  it('keeps order when one holds everything until the end', () => {
    const pipe = laboratory(prefix('a'), hold(), prefix('b')).open()!
    assert.equal(pipe.chunk(bytes('1')), null)
    assert.equal(pipe.chunk(bytes('2')), null)
    assert.equal(text(pipe.end()), 'ba1a2aendbend')
  })

  it('asks no transform about nothing, and passes no empty chunk on', () => {
    const asked: number[] = []
    const count: BodyTransform = { chunk: (chunk) => (asked.push(chunk.length), chunk), end: () => null }
    const empty: BodyTransform = { chunk: () => new Uint8Array(0), end: () => new Uint8Array(0) }
    const pipe = laboratory(empty, count).open()!
    assert.equal(pipe.chunk(bytes('1')), null)
    assert.equal(pipe.end(), null)
    assert.deepEqual(asked, [])
  })

  it('names the plugin whose step, chunk or end throws', () => {
    const failing = (at: 'chunk' | 'end'): BodyTransform => ({
      chunk(chunk) {
        if (at === 'chunk') throw new Error(at)
        return chunk
      },
      end() {
        throw new Error(at)
      },
    })
    const atStep = laboratory(null, new Error('step'))
    assert.throws(atStep.open, /step/)
    assert.equal(atStep.x.failedPlugin, 'p1')
    const atChunk = laboratory(prefix('a'), failing('chunk'))
    const pipe = atChunk.open()!
    assert.equal(atChunk.x.failedPlugin, '')
    assert.throws(() => pipe.chunk(bytes('1')), /chunk/)
    assert.equal(atChunk.x.failedPlugin, 'p1')
    const atEnd = laboratory(failing('end'), prefix('a'))
    const other = atEnd.open()!
    assert.throws(() => other.end(), /end/)
    assert.equal(atEnd.x.failedPlugin, 'p0')
  })
})
