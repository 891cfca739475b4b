import type { GatewayConfig, RouteConfig } from '../config/schema.ts'
import type { UpstreamConfig } from '../config/upstream-schema.ts'
import { readArguments, UsageError, type Command } from './command.ts'
import { loadConfiguration } from './configuration.ts'

export const routes: Command = {
  name: 'routes',
  usage: 'routes --config FILE',
  summary: 'print the compiled routes in matching order',
  help: 'One line per route, the one that is tried first on top.',
  async run(argv) {
    const { values } = readArguments(argv, { config: { type: 'string', short: 'c' } })
    if (values.config === undefined) throw new UsageError('--config FILE is needed')
    const loaded = await loadConfiguration(values.config)
    if (loaded === null) return 1
    const { config, router } = loaded.snapshot
    const rows = router.order().map((index) => row(config, config.routes[index]!))
    process.stdout.write(table([['ROUTE', 'HOST', 'METHOD', 'PATH', 'CONDITIONS', 'ACTION'], ...rows]))
    loaded.snapshot.release()
    return 0
  },
}

function row(config: GatewayConfig, route: RouteConfig): string[] {
  const { match = {} } = route
  const methods = match.method === undefined ? '*' : [match.method].flat().join(',')
  const conditions = [
    ...Object.keys(match.headers ?? {}).map((name) => `header ${name}`),
    ...Object.keys(match.query ?? {}).map((name) => `query ${name}`),
  ]
  const path = match.pathRegex === undefined ? (match.path ?? '/**') : `~ ${match.pathRegex}`
  return [route.name, match.host ?? '*', methods, path, conditions.join(', ') || '-', describeAction(route, config)]
}

/** What a route does, in a few words. */
export function describeAction(route: RouteConfig, config: GatewayConfig): string {
  if (route.upstream !== undefined) {
    return `upstream ${route.upstream} (${describeEndpoints(config.upstreams?.[route.upstream])})`
  }
  if (route.split !== undefined) {
    return `split ${route.split.map(({ upstream, weight }) => `${upstream} ${weight}`).join(', ')}`
  }
  if (route.redirect !== undefined) return `redirect ${route.redirect.status ?? 308} ${route.redirect.to}`
  return `respond ${route.respond?.status ?? 200}`
}

function describeEndpoints({ endpoints = [], discovery }: UpstreamConfig = {}): string {
  if (discovery === undefined) return endpoints.map(({ url }) => url).join(', ')
  return 'dns' in discovery ? `found by DNS: ${discovery.dns.name}` : 'found in etcd'
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((cells) => cells[column]!.length)))
  const line = (cells: readonly string[]): string =>
    cells.map((cell, column) => (column === cells.length - 1 ? cell : cell.padEnd(widths[column]!))).join('  ')
  return rows.map(line).join('\n') + '\n'
}
