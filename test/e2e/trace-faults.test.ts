// Plugins that fail at the end of a request, when its spans and figures are made.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ENGINES } from '../lab/gateway.ts'
import { scrape, series } from '../lab/scrape.ts'
import { traceLab } from '../lab/traces.ts'
import { startHttpUpstream } from '../lab/upstreams.ts'

const MASK = `import { definePlugin, Type } from 'sluice/plugin'
export default definePlugin({
  name: 'bad-mask',
  schema: Type.Object({}),
  compile: () => ({
    log(x) {
      if (!x.path.startsWith('/items/bad')) return
      x.logMask = { headers: new Set(), replacement: '', text() { throw new Error('no mask') } }
    },
  }),
})
`

const FIGURES = `import { definePlugin, Type } from 'sluice/plugin'
export default definePlugin({
  name: 'bad-figures',
  schema: Type.Object({}),
  compile(options, host) {
    host.metrics.collect('odd', 'Throws', () => { throw new Error('no figures') })
    host.metrics.collect('fine', 'Does not', () => [{ labels: {}, value: 7 }])
    return { access: () => 0 }
  },
})
`

for (const engine of ENGINES) {
  describe(`what plugins get wrong at the end of a request on ${engine}`, () => {
    it('costs its spans, and nothing else', async (test) => {
      const { client, gateway, receiver, counts } = await traceLab(test, {
        engine,
        plugins: 'pluginDirectories: [./own]\nplugins: { bad-mask: {} }',
        files: { 'own/bad-mask/plugin.ts': MASK },
      })
      assert.equal((await client.get('/items/bad')).status, 200)
      const line = await gateway.waitForLog(({ msg }) => msg === 'spans could not be made')
      assert.equal(line['route'], 'items')
      assert.equal((await client.get('/items/1')).status, 200)
      await receiver.until(() => receiver.spans.length === 2, 'the spans of the other request')
      assert.deepEqual(await counts(), { exported: 2, dropped: 2, failed: 0 })
      const values = series(await scrape(gateway.port('admin')))
      assert.equal(values.get('sluice_http_requests_in_flight'), 0)
      assert.equal(values.get('sluice_http_requests_total{route="items",method="GET",code="200"}'), 2)
    })
  })
}

describe('the span of the last try', () => {
  it('has nothing of the reply to the one before', async (test) => {
    const upstream = await startHttpUpstream(test, (request, response) => {
      request.resume()
      if (upstream.seen.length === 1) response.writeHead(503).end()
      else request.socket.destroy()
    })
    const { client, receiver } = await traceLab(test, {
      traces: 'ratio: 0%',
      endpoints: [upstream],
      policy: 'retries: { attempts: 1, on: [503], backoff: 1ms, budget: 100% }',
    })
    assert.equal((await client.get('/items/1')).status, 502)
    await receiver.until(() => receiver.spans.length === 2, 'the spans')
    const { attributes } = receiver.spans.find(({ kind }) => kind === 'client')!
    assert.equal(attributes['error.type'], 'SLUICE_UPSTREAM_RESET')
    assert.equal(attributes['http.response.status_code'], undefined)
    assert.equal(attributes['http.request.resend_count'], 1)
  })
})

describe('figures that a plugin cannot tell', () => {
  it('are missing in a scrape, and no others', async (test) => {
    const { gateway } = await traceLab(test, {
      plugins: 'pluginDirectories: [./own]\nplugins: { bad-figures: {} }',
      files: { 'own/bad-figures/plugin.ts': FIGURES },
    })
    const values = series(await scrape(gateway.port('admin')))
    assert.equal(values.get('sluice_plugin_bad_figures_fine'), 7)
    assert.equal(values.get('sluice_config_version'), 1)
    const line = await gateway.waitForLog(({ level, plugin }) => level === 'error' && plugin === 'bad-figures')
    assert.match(JSON.stringify(line), /no figures/)
  })
})
