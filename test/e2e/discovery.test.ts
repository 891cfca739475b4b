// Endpoints that come and go while requests are served: from etcd, and from DNS.
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { UpstreamReport } from '../../src/upstreams/report.ts'
import { a, DnsServer, SILENCE, srv, zone } from '../lab/dns.ts'
import { EtcdServer } from '../lab/etcd.ts'
import { FaultyEndpoint } from '../lab/faults/endpoint.ts'
import { GatewayProcess } from '../lab/gateway.ts'
import { RawClient } from '../lab/raw-client.ts'
import { Registration } from '../lab/registry.ts'

async function start(test: TestContext, discovery: string): Promise<{ gateway: GatewayProcess; client: RawClient }> {
  const gateway = await GatewayProcess.start(
    test,
    `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0' }]
admin: { bind: '127.0.0.1:0' }
upstreams: { app: { discovery: ${discovery}, slowStart: 0s } }
routes: [{ name: all, upstream: app }]
`,
  )
  return { gateway, client: await RawClient.connect(test, gateway.port('main')) }
}

async function endpoint(test: TestContext, name: string): Promise<FaultyEndpoint> {
  const started = await FaultyEndpoint.start(name)
  test.after(() => started.close())
  return started
}

async function knows(gateway: GatewayProcess, ...endpoints: readonly FaultyEndpoint[]): Promise<UpstreamReport> {
  const wanted = endpoints.map(({ url }) => url).toSorted()
  const patience = Date.now() + 20_000
  for (;;) {
    const response = await fetch(`http://127.0.0.1:${gateway.port('admin')}/admin/v1/upstreams`)
    const [report] = ((await response.json()) as { upstreams: UpstreamReport[] }).upstreams
    if (JSON.stringify(report!.endpoints.map(({ url }) => url).toSorted()) === JSON.stringify(wanted)) return report!
    if (Date.now() > patience) throw new Error(`waited in vain for ${wanted.join()}: ${JSON.stringify(report)}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Names of the endpoints that so many requests reached. */
async function asked(client: RawClient, requests: number): Promise<string> {
  const names = new Set<string>()
  for (let i = 0; i < requests; i++) {
    const response = await client.get('/')
    assert.equal(response.status, 200)
    names.add((JSON.parse(response.body.toString()) as { endpoint: string }).endpoint)
  }
  return [...names].toSorted().join('')
}

describe('endpoints from etcd', () => {
  it('come and go without touching those that stay, and outlive etcd', async (test) => {
    const etcd = await EtcdServer.start(test)
    const options = { hosts: [etcd.url] }
    const prefix = '/sluice/shop/endpoints/app/'
    const [first, second] = [await endpoint(test, 'a'), await endpoint(test, 'b')]
    const one = await Registration.open(options, `${prefix}1`, { url: first.url, zone: 'x', metadata: { build: '7' } })
    test.after(() => one.close())
    const { gateway, client } = await start(test, `{ etcd: { hosts: ['${etcd.url}'], registry: shop } }`)
    assert.equal(await asked(client, 2), 'a', 'known before the first request')
    const report = await knows(gateway, first)
    assert.equal(report.endpoints[0]!.zone, 'x')
    assert.deepEqual(report.endpoints[0]!.metadata, { build: '7' })
    const two = await Registration.open(options, `${prefix}2`, { url: second.url, weight: 2 }, 2)
    await knows(gateway, first, second)
    assert.equal(await asked(client, 6), 'ab')
    await etcd.kill()
    assert.equal(await asked(client, 6), 'ab')
    await etcd.run()
    two.abandon() // a service that crashes: its lease ends
    await knows(gateway, first)
    assert.equal(await asked(client, 4), 'a')
    assert.equal(first.connections.accepted, 1, 'its connection was never touched')
  })

  it('may be none: that is said with 503, until there is one', async (test) => {
    const etcd = await EtcdServer.start(test)
    const { gateway, client } = await start(test, `{ etcd: { hosts: ['${etcd.url}'] } }`)
    const refused = await client.get('/')
    assert.equal(refused.status, 503)
    assert.match(refused.body.toString(), /SLUICE_UPSTREAM_NO_ENDPOINT/)
    const only = await endpoint(test, 'a')
    const one = await Registration.open({ hosts: [etcd.url] }, '/sluice/sluice/endpoints/app/1', { url: only.url })
    test.after(() => one.close())
    await knows(gateway, only)
    assert.equal(await asked(client, 2), 'a')
  })
})

describe('endpoints from DNS', () => {
  it('follow the records, and stay while no server answers', async (test) => {
    const [first, second] = [await endpoint(test, 'a'), await endpoint(test, 'b')]
    const records = (...endpoints: readonly FaultyEndpoint[]) =>
      zone([
        ...endpoints.map(({ port }) => srv('_http._tcp.app.example', 1, 'host.example', port, 0, 10)),
        ...a('host.example', 1, '127.0.0.1'),
      ])
    const dns = await DnsServer.start(test, records(first))
    const { gateway, client } = await start(
      test,
      `{ dns: { name: _http._tcp.app.example, type: SRV, servers: ['${dns.address}'], minimumTtl: 100ms } }`,
    )
    assert.equal(await asked(client, 2), 'a')
    dns.script = records(first, second)
    await knows(gateway, first, second)
    assert.equal(await asked(client, 4), 'ab')
    dns.script = () => SILENCE
    const queries = dns.queries.length
    await dns.until(() => dns.queries.length > queries + 2, 'questions that nobody answers')
    assert.equal(await asked(client, 4), 'ab')
    dns.script = records(second)
    await knows(gateway, second)
    assert.equal(await asked(client, 2), 'b')
  })
})
