// Writes the files that follow from the source; `--check` only says whether they are up to date (exit 1 if not).
import { readFile, writeFile } from 'node:fs/promises'
import { format, resolveConfig } from 'prettier'
import { ERRORS } from '../src/base/errors.ts'
import { editorSchema } from '../src/config/json-schema.ts'
import type { Plugin } from '../src/contract/plugin.ts'
import { builtInPlugins } from '../src/live-state.ts'
import { ADVICE } from './error-advice.ts'
import { grafanaDashboard } from './grafana-dashboard.ts'
import { between, optionTable, pluginTable } from './plugin-pages.ts'

const ROOT = new URL('../', import.meta.url)

async function generated(): Promise<ReadonlyMap<string, string>> {
  const plugins = await builtInPlugins()
  const schema = JSON.stringify(editorSchema(plugins), null, 2) + '\n'
  const pages = await Promise.all(plugins.map((plugin) => pluginPage(plugin)))
  const index = between(await page('docs/plugins/README.md'), 'plugins', pluginTable(plugins))
  return new Map([
    ['config/gateway.schema.json', schema],
    ['docs/errors.md', errorsPage()],
    ['config/observability/grafana-dashboard.json', await grafanaDashboard()],
    ['docs/plugins/README.md', await formatted(index)],
    ...pages,
  ])
}

async function pluginPage(plugin: Plugin): Promise<readonly [string, string]> {
  const path = `docs/plugins/${plugin.name}.md`
  return [path, await formatted(between(await page(path), 'options', optionTable(plugin)))]
}

function page(path: string): Promise<string> {
  return readFile(new URL(path, ROOT), 'utf8')
}

async function formatted(text: string): Promise<string> {
  return format(text, { ...(await resolveConfig(new URL('README.md', ROOT))), parser: 'markdown' })
}

function errorsPage(): string {
  const names = Object.keys(ERRORS) as (keyof typeof ERRORS)[]
  const rows = names.map((name) => {
    const { code, status, source, title, close } = ERRORS[name]
    return `| \`${code}\` | ${status} | ${source} | ${title} | ${close ? 'yes' : 'no'} | ${ADVICE[name]} |`
  })
  return `# Errors

Every reply that the gateway makes because something went wrong is \`application/problem+json\` (RFC 9457) with one of
these codes in \`code\`, the request id in \`instance\`, and the words below in \`title\`. The status 499 is never sent:
it stands in the access log for a client that went away. "Caused by self" is the gateway or its configuration.

This page is generated from \`src/base/errors.ts\` and \`scripts/error-advice.ts\` by \`scripts/generate.ts\`.

| code | status | caused by | title | closes the client's connection | what to do |
| --- | --- | --- | --- | --- | --- |
${rows.join('\n')}
`
}

let stale = 0
for (const [path, text] of await generated()) {
  const file = new URL(path, ROOT)
  const present = await readFile(file, 'utf8').catch(() => '')
  if (present === text) continue
  if (process.argv.includes('--check')) {
    stale++
    process.stderr.write(`${path} is out of date: run "node scripts/generate.ts"\n`)
  } else {
    await writeFile(file, text)
    process.stdout.write(`wrote ${path}\n`)
  }
}
process.exitCode = stale === 0 ? 0 : 1
