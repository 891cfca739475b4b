import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { it } from 'node:test'
import fc from 'fast-check'
import { Backlog } from './backlog.ts'

const openFiles = (): number => readdirSync('/proc/self/fd').length

it('gives back what it was given, in order, through memory and file', () => {
  const step = fc.oneof(fc.integer({ min: 1, max: 1_500_000 }), fc.constant(0))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const backlog = new Backlog()
      let pushed = 0
      let taken = 0
      const take = (): void => {
        const bytes = backlog.shift()
        if (bytes === null) return
        // Every byte tells its own position, so that none can be lost, doubled or moved.
        for (const i of [0, bytes.length >> 1, bytes.length - 1]) assert.equal(bytes[i], (taken + i) % 251)
        taken += bytes.length
      }
      for (const length of steps) {
        if (length === 0) take()
        else {
          backlog.push(Uint8Array.from({ length }, (_, i) => (pushed + i) % 251))
          pushed += length
        }
        assert.equal(backlog.size, pushed - taken)
      }
      while (!backlog.empty) take()
      assert.equal(taken, pushed)
      backlog.clear()
    }),
    { numRuns: 20 },
  )
})

it('keeps no more than a few MiB in memory, and no file afterwards', () => {
  const before = openFiles()
  const backlog = new Backlog()
  const block = new Uint8Array(1024 * 1024)
  const memory = process.memoryUsage().arrayBuffers
  for (let i = 0; i < 64; i++) backlog.push(block)
  assert.ok(process.memoryUsage().arrayBuffers - memory < 6 * block.length)
  assert.equal(openFiles(), before + 1)
  backlog.clear()
  assert.equal(backlog.empty, true)
  assert.equal(openFiles(), before)
})

it('keeps an empty last piece', () => {
  const backlog = new Backlog()
  backlog.push(new Uint8Array(0))
  assert.equal(backlog.empty, false)
  assert.equal(backlog.shift()?.byteLength, 0)
  assert.equal(backlog.shift(), null)
})
