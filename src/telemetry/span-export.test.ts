import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createLogger } from './logger.ts'
import { SpanCounts, type Span } from './span.ts'
import { SpanExport } from './span-export.ts'

const NOWHERE = 'http://127.0.0.1:1/v1/traces'
const SPAN: Span = {
  name: 'GET',
  kind: 'server',
  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
  spanId: '00f067aa0ba902b7',
  parentId: '',
  parentIsRemote: false,
  tracestate: '',
  start: 1,
  end: 2,
  attributes: {},
  failed: false,
  link: null,
}

function spans(count: number): Span[] {
  return Array.from({ length: count }, () => SPAN)
}

function open(queue: number): { readonly counts: SpanCounts; readonly sink: SpanExport } {
  const counts = new SpanCounts()
  const settings = { url: NOWHERE, headers: {}, timeout: 100, service: 's', queue }
  return { counts, sink: new SpanExport(settings, counts, createLogger('silent')) }
}

function told({ exported, dropped, failed }: SpanCounts): object {
  return { exported, dropped, failed }
}

describe('the export of spans', () => {
  it('takes the spans of a request together or not at all, and accounts for each', async () => {
    const { counts, sink } = open(100)
    for (let i = 0; i < 12; i++) sink.add(spans(9))
    assert.deepEqual(told(counts), { exported: 0, dropped: 9, failed: 0 })
    sink.add(spans(1))
    assert.equal(counts.dropped, 9)
    await sink.close(5000)
    assert.deepEqual(told(counts), { exported: 0, dropped: 9, failed: 100 })
    sink.add(spans(2))
    assert.equal(counts.dropped, 11)
  })

  it('gives up what is left when its time is over', async () => {
    const { counts, sink } = open(1000)
    sink.add(spans(200))
    await sink.close(0)
    assert.equal(counts.dropped + counts.failed, 200)
    await sink.close(0)
    assert.equal(counts.dropped + counts.failed, 200)
  })

  it('that was never used is closed at once', async () => {
    const { counts, sink } = open(64)
    await sink.close(60_000)
    assert.deepEqual(told(counts), { exported: 0, dropped: 0, failed: 0 })
  })

  it('takes a hundred requests per second that were not to be recorded', () => {
    const { sink } = open(64)
    const taken = (time: number): number =>
      Array.from({ length: 150 }, () => sink.takesLate(time)).filter(Boolean).length
    assert.deepEqual([taken(0), taken(999), taken(1000), taken(1500), taken(5000)], [100, 0, 100, 0, 100])
  })
})
