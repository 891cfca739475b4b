import { routeRow, type RouteRow } from '../compile/route-table.ts'
import { readArguments, UsageError, type Command } from './command.ts'
import { loadConfiguration } from './configuration.ts'
import { table } from './words.ts'

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
    const rows = router.order().map((index) => cells(routeRow(config, config.routes[index]!)))
    process.stdout.write(table([['ROUTE', 'HOST', 'METHOD', 'PATH', 'CONDITIONS', 'ACTION'], ...rows]))
    loaded.snapshot.release()
    return 0
  },
}

function cells({ name, host, methods, path, conditions, action }: RouteRow): string[] {
  return [name, host, methods.join(',') || '*', path, conditions.join(', ') || '-', action]
}
