// Traces from the client through the gateway to the upstream and to a receiver that reads OTLP.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ENGINES, ROADS } from '../lab/gateway.ts'
import { OtlpReceiver, type ReceivedSpan } from '../lab/otlp.ts'
import { RawClient } from '../lab/raw-client.ts'
import { sentTo, traceLab } from '../lab/traces.ts'
import { startHttpUpstream } from '../lab/upstreams.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const CLIENT = '00f067aa0ba902b7'

function parent(flags: string): string {
  return `Traceparent: 00-${TRACE}-${CLIENT}-${flags}\r\n`
}

function of(spans: readonly ReceivedSpan[], kind: string): ReceivedSpan[] {
  return spans.filter((span) => span.kind === kind)
}

for (const { name, engine, transport } of ROADS) {
  describe(`traces on ${name}`, () => {
    it('go from the client through the gateway to the upstream, and to the receiver', async (test) => {
      const { client, upstream, receiver, gateway } = await traceLab(test, {
        engine,
        transport,
        traces: 'trust: everyone, ratio: 0%, service: edge',
      })
      const more = 'Tracestate: a=1\r\nTracestate: b=2\r\nBaggage: k=v\r\nUser-Agent: u/1\r\n'
      assert.equal((await client.get('/items/7?secret=S3CRET', parent('01') + more)).status, 200)
      const [trace, span, flags] = sentTo(upstream)
      assert.deepEqual([trace, flags, upstream.seen[0]!.header('tracestate')], [TRACE, '01', 'a=1,b=2'])
      assert.equal(upstream.seen[0]!.header('baggage'), 'k=v')
      const spans = await receiver.spansOf(TRACE, 2)
      const [server, attempt] = [of(spans, 'server')[0]!, of(spans, 'client')[0]!]
      assert.deepEqual([server.parentId, attempt.parentId, attempt.spanId], [CLIENT, server.spanId, span])
      assert.deepEqual([server.tracestate, server.service, server.failed], ['a=1,b=2', 'edge', false])
      const { 'sluice.request_id': id, ...attributes } = server.attributes
      assert.match(id as string, /^[0-9a-f]{20}$/)
      assert.deepEqual(attributes, {
        'http.request.method': 'GET',
        'url.path': '/items/7',
        'url.scheme': 'http',
        'server.address': 'localhost',
        'client.address': '127.0.0.1',
        'network.protocol.version': '1.1',
        'user_agent.original': 'u/1',
        'http.response.status_code': 200,
        'http.route': '/items/{id}',
        'sluice.route': 'items',
        'sluice.upstream': 'app',
      })
      assert.deepEqual([server.name, attempt.name], ['GET /items/{id}', 'GET'])
      assert.deepEqual(attempt.attributes, {
        'http.request.method': 'GET',
        'url.full': `${upstream.url}/items/7`,
        'server.address': '127.0.0.1',
        'server.port': upstream.port,
        'network.protocol.version': '1.1',
        'http.response.status_code': 200,
        'sluice.upstream': 'app',
      })
      assert.ok(server.start <= attempt.start && attempt.start <= attempt.end && attempt.end <= server.end)
      assert.ok(Math.abs(Number(server.end / 1_000_000n) - Date.now()) < 60_000)
      const line = await gateway.waitForLog(({ type }) => type === 'access')
      assert.deepEqual([line['trace_id'], line['span_id'], line['trace_sampled']], [TRACE, server.spanId, true])
      assert.equal(receiver.batches[0]!['x-key'], 'S3CRET')
      assert.ok(!JSON.stringify([gateway.logs, receiver.spans.map(({ attributes }) => attributes)]).includes('S3CRET'))
    })

    it('that are not recorded are told so to the upstream', async (test) => {
      const { client, upstream, counts } = await traceLab(test, { engine, transport, traces: 'ratio: 0%' })
      await client.get('/items/1')
      const [first, , flags] = sentTo(upstream)
      await client.get('/items/2')
      assert.deepEqual([flags, sentTo(upstream)[2]], ['00', '00'])
      assert.notEqual(sentTo(upstream)[0], first)
      // A stranger's wish counts for nothing, and its context ends here.
      await client.get('/items/3', `${parent('01')}Tracestate: a=1\r\nBaggage: k=v\r\n`)
      assert.equal(sentTo(upstream)[2], '00')
      assert.notEqual(sentTo(upstream)[0], TRACE)
      assert.deepEqual(
        ['tracestate', 'baggage'].map((name) => upstream.seen.at(-1)!.header(name)),
        ['', 'k=v'],
      )
      assert.deepEqual(await counts(), { exported: 0, dropped: 0, failed: 0 })
    })

    it('have a span for each try: retried, and hedged', async (test) => {
      const second = await startHttpUpstream(test, (request, response) => {
        request.resume()
        if (second.seen.length === 1) request.socket.destroy()
        else setTimeout(() => response.end('slow'), 1000)
      })
      const { client, receiver, gateway, yaml } = await traceLab(test, {
        engine,
        transport,
        endpoints: [second],
        policy: 'retries: { attempts: 1, on: [reset], backoff: 1ms, budget: 100% }',
      })
      // One endpoint: its first request breaks, its second is slow.
      assert.equal((await client.get('/items/1')).body.toString(), 'slow')
      const [trace, first] = sentTo(second, 0)
      const spans = await receiver.spansOf(trace, 3)
      const tries = of(spans, 'client')
      assert.deepEqual(
        tries.map(({ spanId }) => spanId),
        [first, sentTo(second, 1)[1]],
      )
      assert.deepEqual(
        tries.map(({ failed, attributes }) => [
          failed,
          attributes['error.type'],
          attributes['http.request.resend_count'],
        ]),
        [
          [true, 'SLUICE_UPSTREAM_RESET', undefined],
          [false, undefined, 1],
        ],
      )
      assert.ok(tries[0]!.end <= tries[1]!.start)

      const quick = await startHttpUpstream(test, (request, response) => {
        request.resume()
        response.end('quick')
      })
      await gateway.configure(
        yaml('ratio: 100%')
          .replace(/retries:.*/, 'hedge: { after: 50ms, budget: 100% }')
          .replace(`{ url: '${second.url}' }`, `{ url: '${second.url}' }, { url: '${quick.url}', weight: 1 }`),
      )
      await gateway.waitForLog(({ msg }) => msg === 'configuration reloaded')
      let hedged: ReceivedSpan[] = []
      for (let i = 0; hedged.length === 0; i++) {
        assert.ok(i < 10)
        const before = second.seen.length
        assert.equal((await client.get('/items/2')).body.toString(), 'quick')
        if (second.seen.length > before) hedged = await receiver.spansOf(sentTo(second)[0], 3)
      }
      const [slow, other] = of(hedged, 'client')
      assert.deepEqual([slow!.spanId, other!.spanId], [sentTo(second)[1], sentTo(quick)[1]])
      assert.deepEqual([slow!.attributes['sluice.abandoned'], slow!.failed], [true, false])
      assert.deepEqual([other!.attributes['sluice.hedge'], other!.attributes['http.response.status_code']], [true, 200])
      const [server] = of(hedged, 'server')
      assert.ok(hedged.every((span) => span === server || span.parentId === server!.spanId))
    })
  })
}

const HOLD = `import { definePlugin, ERRORS, NEXT, Type } from 'sluice/plugin'
export default definePlugin({
  name: 'hold',
  schema: Type.Object({}),
  compile: () => ({
    async access(x) {
      x.setRequestHeader('traceparent', 'mine')
      await new Promise((resolve) => setTimeout(resolve, 20))
      if (x.header('x-fail') !== '') throw new Error('no')
      x.setResponseHeader('x-trace', [x.traceId, x.spanId, x.sampled, x.baggage('k')].join(' '))
      return NEXT
    },
    async response() {
      await new Promise((resolve) => setTimeout(resolve, 20))
    },
  }),
})
`

describe('traces', () => {
  for (const engine of ENGINES) {
    it(`have a span for each plugin that was waited for, which sees where it is (${engine})`, async (test) => {
      const { client, receiver, upstream } = await traceLab(test, {
        engine,
        plugins: 'pluginDirectories: [./mine]\nplugins: { hold: {}, access-log: {} }',
        files: { 'mine/hold.ts': HOLD },
      })
      const seen = (await client.get('/items/1', 'Baggage: k=a%20b\r\n')).header('x-trace').split(' ')
      const [trace] = sentTo(upstream)
      const spans = await receiver.spansOf(trace, 4)
      const [server] = of(spans, 'server')
      assert.deepEqual(seen, [trace, server!.spanId, 'true', 'a', 'b'])
      const waits = of(spans, 'internal')
      assert.deepEqual(
        waits.map((span) => [span.name, span.attributes['sluice.plugin'], span.parentId, span.failed]),
        Array.from({ length: 2 }, () => ['plugin hold', 'hold', server!.spanId, false]),
      )
      assert.ok(waits.every(({ start, end }) => end - start >= 10_000_000n))
      assert.equal((await client.get('/own', 'X-Fail: 1\r\n')).status, 500)
      await receiver.until(() => receiver.spans.some(({ failed }) => failed), 'the failure')
      const failed = receiver.spans.filter((span) => span.failed)
      assert.deepEqual(
        failed.map(({ name, attributes }) => [name, attributes['error.type'], attributes['sluice.plugin']]),
        [
          ['GET /own', 'SLUICE_PLUGIN_FAILED', 'hold'],
          ['plugin hold', 'SLUICE_PLUGIN_FAILED', 'hold'],
        ],
      )
    })

    it(`of what failed or was slow are recorded, whatever was decided (${engine})`, async (test) => {
      const { client, receiver, upstream, gateway } = await traceLab(test, {
        engine,
        traces: 'ratio: 0%, slow: 300ms, trust: everyone',
      })
      for (const path of ['/items/1', '/own', '/items/2?status=404', '/nowhere']) await client.get(path)
      await client.get('/items/3?status=500', parent('00'))
      assert.deepEqual(sentTo(upstream), [TRACE, CLIENT, '00'])
      await client.get('/broken')
      await client.get('/items/4?wait=400')
      const [trace, span, flags] = sentTo(upstream)
      await receiver.until(() => receiver.spans.length >= 5, 'five spans')
      const [bad, attempt] = await receiver.spansOf(TRACE, 2)
      assert.deepEqual([bad!.parentId, bad!.failed, bad!.attributes['error.type']], [CLIENT, true, '500'])
      assert.deepEqual([attempt!.kind, attempt!.parentId, attempt!.failed], ['client', bad!.spanId, true])
      const slow = of(await receiver.spansOf(trace, 2), 'server')[0]!
      assert.deepEqual([slow.spanId, slow.parentId, slow.failed, flags], [span, '', false, '00'])
      assert.ok(slow.end - slow.start >= 300_000_000n)
      assert.deepEqual(
        of(receiver.spans, 'server').map(({ attributes }) => attributes['sluice.route']),
        ['items', 'broken', 'items'],
      )
      const lines = gateway.logs.filter(({ type }) => type === 'access')
      await gateway.waitForLog(({ durationMs }) => Number(durationMs) >= 300)
      const sampled = gateway.logs.filter((line) => line['trace_sampled'] === true)
      assert.deepEqual(
        sampled.map((line) => [line['path'], line['status']]),
        [
          ['/items/3', 500],
          ['/broken', 503],
          ['/items/4', 200],
        ],
      )
      assert.equal(sampled[0]!['span_id'], bad!.spanId)
      assert.ok(lines.every((line) => /^[0-9a-f]{32}$/.test(line['trace_id'] as string)))
    })
  }

  for (const engine of ENGINES) {
    it(`of a reply that is cut are recorded; a client that goes away is no failure (${engine})`, async (test) => {
      const { client, receiver, upstream, gateway } = await traceLab(test, { engine, traces: 'ratio: 0%' })
      const before = await RawClient.connect(test, gateway.port('main'))
      before.send('GET /items/0?wait=500 HTTP/1.1\r\nHost: h\r\n\r\n')
      await upstream.until(() => upstream.seen.length === 1, 'the request')
      before.socket.destroy()
      await gateway.waitForLog(({ path, trace_sampled: sampled }) => path === '/items/0' && sampled === undefined)
      client.send('GET /items/1?cut HTTP/1.1\r\nHost: h\r\n\r\n')
      await client.ended()
      const [server, attempt] = await receiver.spansOf(sentTo(upstream)[0], 2)
      for (const span of [server!, attempt!]) {
        assert.deepEqual([span.failed, span.attributes['error.type']], [true, 'SLUICE_UPSTREAM_TRUNCATED'])
      }
      await gateway.waitForLog(({ path, trace_sampled: sampled }) => path === '/items/1' && sampled === true)
      assert.equal(receiver.spans.length, 2)
    })

    it(`of a client that goes away say so (${engine})`, async (test) => {
      const { client, gateway, receiver, upstream } = await traceLab(test, { engine })
      client.send('GET /items/1?wait=500 HTTP/1.1\r\nHost: h\r\n\r\n')
      await upstream.until(() => upstream.seen.length === 1, 'the request')
      client.socket.destroy()
      const [server, attempt] = await receiver.spansOf(sentTo(upstream)[0], 2)
      assert.deepEqual([server!.failed, server!.attributes['error.type']], [false, 'SLUICE_CLIENT_GONE'])
      assert.equal(server!.attributes['http.response.status_code'], undefined)
      await gateway.waitForLog(({ path, status }) => path === '/items/1' && status === 499)
      assert.deepEqual([attempt!.failed, attempt!.attributes['sluice.abandoned']], [false, true])
    })
  }

  it('hide what the log hides', async (test) => {
    const { client, receiver, upstream } = await traceLab(test, {
      plugins: "plugins: { mask: { in: [log], headers: [user-agent], regex: ['S3CR.T'] } }",
    })
    await client.get('/items/S3CRET', 'User-Agent: S3CRET\r\n')
    const spans = await receiver.spansOf(sentTo(upstream)[0], 2)
    assert.ok(!JSON.stringify(spans.map(({ attributes }) => attributes)).includes('S3CRET'))
    assert.equal(of(spans, 'server')[0]!.attributes['url.path'], '/items/***')
  })

  it('load neither SDK nor exporter before they are asked for', async (test) => {
    // @opentelemetry/api alone comes with prom-client, which reads exemplars from it.
    const hook = `import { registerHooks } from 'node:module'
registerHooks({
  resolve(specifier, context, next) {
    if (/@opentelemetry\\/(?!api$)/.test(specifier)) process.stdout.write(JSON.stringify({ msg: 'loads', specifier }) + '\\n')
    return next(specifier, context)
  },
})`
    const { client, gateway, yaml } = await traceLab(test, {
      configured: false,
      env: { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(hook)}` },
    })
    assert.equal((await client.get('/own')).status, 200)
    assert.ok(!gateway.logs.some(({ msg }) => msg === 'loads'))
    await gateway.configure(yaml('ratio: 100%'))
    await gateway.waitForLog(({ specifier }) => specifier === '@opentelemetry/exporter-trace-otlp-http')
  })

  it('of a stranger end at the edge: a new one begins, which says where it came from', async (test) => {
    const { client, receiver, upstream } = await traceLab(test)
    await client.get('/items/1', `${parent('00')}Tracestate: a=1\r\n`)
    const [trace] = sentTo(upstream)
    const server = of(await receiver.spansOf(trace, 2), 'server')[0]!
    assert.deepEqual([server.links, server.parentId, server.tracestate], [[{ traceId: TRACE, spanId: CLIENT }], '', ''])
  })

  it('that nobody asked for leave what the client sends alone', async (test) => {
    const { client, upstream, yaml, gateway } = await traceLab(test)
    await gateway.configure(yaml('').replace(/observability:\n.*\n/, ''))
    await gateway.waitForLog(({ msg }) => msg === 'configuration reloaded')
    await client.get('/items/1', 'Traceparent: nonsense\r\nTracestate: Nonsense\r\n')
    const [seen] = upstream.seen
    assert.deepEqual([seen!.header('traceparent'), seen!.header('tracestate')], ['nonsense', 'Nonsense'])
  })

  it('cannot be forged or broken by odd fields', async (test) => {
    const { client, upstream, receiver } = await traceLab(test, { traces: 'ratio: 100%, trust: everyone' })
    const odd = [
      parent('01') + parent('01'),
      'Traceparent: 00-nonsense\r\nTracestate: a=1\r\n',
      `${parent('01')}Tracestate: ${'x'.repeat(2000)}\r\nBaggage: ${'b=c,'.repeat(200)}\r\n`,
      `Traceparent: ff-${TRACE}-${CLIENT}-01\r\n`,
    ]
    for (const headers of odd) {
      assert.equal((await client.get('/items/1', headers)).status, 200)
      const seen = upstream.seen.at(-1)!
      assert.deepEqual([sentTo(upstream)[2], seen.header('tracestate'), seen.header('baggage')], ['01', '', ''])
      await receiver.spansOf(sentTo(upstream)[0], 2)
    }
  })

  it('follow the configuration: a reload changes what is recorded, and where it goes', async (test) => {
    const { client, receiver, upstream, gateway, yaml } = await traceLab(test, { traces: 'ratio: 0%, errors: false' })
    const flags = async (): Promise<string> => {
      await client.get('/items/1')
      return sentTo(upstream)[2]
    }
    const reload = async (text: string): Promise<void> => {
      await gateway.configure(text)
      await gateway.waitForNext(({ msg }) => msg === 'configuration reloaded')
    }
    assert.equal(await flags(), '00')
    await reload(yaml('ratio: 0%, errors: false, rules: [{ route: items, share: 100% }]'))
    assert.equal(await flags(), '01')
    await receiver.spansOf(sentTo(upstream)[0], 2)
    const other = await OtlpReceiver.start(test)
    await client.get('/items/2')
    await reload(yaml('ratio: 100%', other.url))
    // What waited for the old receiver gets there.
    await receiver.spansOf(sentTo(upstream)[0], 2)
    assert.equal(await flags(), '01')
    await other.spansOf(sentTo(upstream)[0], 2)
    await gateway.configure(yaml('rules: [{ route: itms, share: 1% }]'))
    const refused = await gateway.waitForLog(({ problems }) => problems !== undefined)
    assert.match(String(refused['problems']), /there is no route "itms"; did you mean "items"\?/)
  })
})
