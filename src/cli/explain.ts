import {
  explainRequest,
  readRequest,
  UnusableRequest,
  type Account,
  type ExplainedRequest,
} from '../compile/explain.ts'
import { readArguments, UsageError, type Command } from './command.ts'
import { loadConfiguration } from './configuration.ts'

export const explain: Command = {
  name: 'explain',
  usage: "explain --config FILE METHOD URL [-H 'name: value']... [--json]",
  summary: 'say what a request would meet, and why',
  help:
    'Prints every candidate route and why it lost, the winner with its parameters, its plugins in order with where\n' +
    'each toggle was written, and what happens then. URL may be a path. Exits 1 when no route wins.',
  async run(argv) {
    const { values, positionals } = readArguments(argv, {
      config: { type: 'string', short: 'c' },
      header: { type: 'string', short: 'H', multiple: true },
      json: { type: 'boolean' },
    })
    const [method, url, extra] = positionals
    if (values.config === undefined) throw new UsageError('--config FILE is needed')
    if (method === undefined || url === undefined || extra !== undefined)
      throw new UsageError('METHOD and URL are needed')
    const request = read(method, url, values.header ?? [])
    const loaded = await loadConfiguration(values.config)
    if (loaded === null) return 1
    const account = explainRequest(loaded.snapshot, loaded.validated.file, request)
    process.stdout.write(values.json === true ? JSON.stringify(account, null, 2) + '\n' : render(account))
    loaded.snapshot.release()
    return account.route === null ? 1 : 0
  },
}

function read(method: string, url: string, fields: readonly string[]): ExplainedRequest {
  try {
    return readRequest(method, url, fields)
  } catch (error) {
    throw error instanceof UnusableRequest ? new UsageError(error.message) : error
  }
}

function render(account: Account): string {
  const { request } = account
  const lines = [
    `${request.method} ${request.path}${request.search}  host ${request.host}`,
    '',
    'Candidates, best first:',
  ]
  if (account.candidates.length === 0) lines.push('  none')
  for (const { route, outcome, detail } of account.candidates) {
    lines.push(`  ${outcome === 'won' ? '->' : '  '} ${route}: ${outcome}${detail === '' ? '' : `, ${detail}`}`)
  }
  if (account.route === null) {
    const allow = account.allow === null ? '' : ` (Allow: ${account.allow})`
    lines.push('', `No route: ${account.verdict}${allow}`)
    return lines.join('\n') + '\n'
  }
  lines.push('', `Route: ${account.route}`)
  for (const [name, value] of Object.entries(account.parameters)) lines.push(`  {${name}} = ${value}`)
  lines.push('', 'Plugins, in order:')
  if (account.plugins.length === 0) lines.push('  none')
  for (const { plugin, enabled, options, from } of account.plugins) {
    lines.push(`  ${enabled ? 'on ' : 'off'} ${plugin} ${enabled ? JSON.stringify(options) : ''}`.trimEnd())
    for (const [i, origin] of from.entries()) lines.push(`        ${i === 0 ? 'from' : 'over'} ${origin}`)
  }
  if (account.rewrite !== null) lines.push('', `Rewrite: ${JSON.stringify(account.rewrite)}`)
  lines.push('', `Then: ${account.action}`)
  return lines.join('\n') + '\n'
}
