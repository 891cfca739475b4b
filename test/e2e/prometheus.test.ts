// What lies in config/observability for Prometheus, checked by its own tools and by Prometheus itself, scraping a gateway.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { GatewayProcess } from '../lab/gateway.ts'
import { until } from '../lab/poll.ts'
import { Prometheus, promtool } from '../lab/prometheus.ts'
import { RawClient } from '../lab/raw-client.ts'

const FOLDER = new URL('../../config/observability/', import.meta.url)
const file = (name: string): string => fileURLToPath(new URL(name, FOLDER))

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets?: readonly { readonly expr: string }[] }[]
}

describe('promtool', () => {
  it('finds nothing wrong with the rules and the configuration', async () => {
    assert.match(await promtool('check', 'rules', file('alerts.yaml')), /SUCCESS: \d+ rules found/)
    // The file of the token is there only in the container.
    assert.match(await promtool('check', 'config', '--syntax-only', file('prometheus.yaml')), /SUCCESS/)
  })

  it('sees every alert fire when it should, and not when it nearly should', async () => {
    assert.match(await promtool('test', 'rules', file('requests.test.yaml'), file('process.test.yaml')), /SUCCESS/)
  })
})

describe('prometheus', () => {
  it('scrapes the gateway, evaluates every rule, and answers every query of the dashboard', async (test) => {
    const gateway = await GatewayProcess.start(
      test,
      `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0' }]
admin: { bind: '127.0.0.1:0' }
routes: [{ name: hello, respond: {} }]
`,
    )
    const client = await RawClient.connect(test, gateway.port('main'))
    for (let i = 0; i < 20; i++) assert.equal((await client.get('/')).status, 200)
    const text = await readFile(file('prometheus.yaml'), 'utf8')
    const prometheus = await Prometheus.start(
      test,
      text
        .replaceAll('15s', '200ms')
        .replace('[alerts.yaml]', `['${file('alerts.yaml')}']`)
        .replace(/^ *authorization: .*\n/m, '')
        .replace('gateway:9901', `127.0.0.1:${gateway.port('admin')}`),
    )

    await until(async () => {
      const { activeTargets } = await prometheus.get<{ activeTargets: Target[] }>('targets', { state: 'active' })
      const target = activeTargets.find(({ labels }) => labels['job'] === 'sluice')
      assert.equal(target?.lastError ?? '', '')
      return target?.health === 'up'
    }, 'a scrape')

    // Recorded rules are asked for every 30 s, by their own clock; the others soon.
    await until(async () => {
      const { groups } = await prometheus.get<{ groups: Group[] }>('rules')
      const rules = groups.filter(({ interval }) => interval < 1).flatMap((group) => group.rules)
      assert.ok(rules.length > 15)
      for (const { name, lastError } of rules) assert.equal(lastError ?? '', '', name)
      return rules.every(({ health }) => health === 'ok')
    }, 'an evaluation of every rule')

    const { panels } = JSON.parse(await readFile(file('grafana-dashboard.json'), 'utf8')) as Dashboard
    const queries = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
    assert.ok(queries.length > 40)
    for (const query of queries) await prometheus.get('query', { query: filledIn(query) })
    const { result } = await prometheus.get<{ result: { value: [number, string] }[] }>('query', {
      query: filledIn('sum(up{job="sluice",instance=~"$instance"})'),
    })
    assert.equal(result[0]!.value[1], '1')
  })
})

interface Target {
  readonly labels: Readonly<Record<string, string>>
  readonly health: string
  readonly lastError: string
}

interface Group {
  readonly interval: number
  readonly rules: readonly { readonly name: string; readonly health: string; readonly lastError?: string }[]
}

/** As Grafana does for the choice "All". */
function filledIn(expr: string): string {
  return expr.replaceAll('$__rate_interval', '1m').replaceAll(/\$(?:instance|route|upstream)/g, '.*')
}
