// The configuration that serves, without its secrets.
import { stringify } from 'yaml'
import type { CompiledSnapshot } from '../compile/snapshot.ts'
import { concealedConfig, concealedRoute } from '../config/concealed.ts'
import type { Answer } from './answer.ts'
import { isUnchanged, type Resource } from './resource.ts'
import { textOfEach } from './slices.ts'
import type { AdminState } from './state.ts'

/** What is shown of a snapshot never changes: dashboards ask again and again. Lives as long as the snapshot. */
const shown = new WeakMap<CompiledSnapshot, Map<Format, Promise<string>>>()

type Format = 'json' | 'yaml'

export const configuration: Resource = {
  method: 'GET',
  path: '/admin/v1/config',
  summary: 'the configuration that serves, without its secrets',
  access: 'read',
  parameters: ['format'],
  async handle({ query, ifNoneMatch }, state): Promise<Answer> {
    const format = query.oneOf<Format>('format', ['json', 'yaml'], 'json')
    const { tag } = state.history
    // The same version in two forms: two entities (RFC 9110 section 8.8.3).
    const etag = format === 'json' ? `"${tag}"` : `"${tag}-yaml"`
    if (isUnchanged(ifNoneMatch, etag)) return { status: 304, headers: { etag }, body: '' }
    const type = format === 'json' ? 'application/json' : 'application/yaml'
    return { type, headers: { etag }, body: await written(state, format) }
  },
}

function written(state: AdminState, format: Format): Promise<string> {
  const { snapshot } = state
  let forms = shown.get(snapshot)
  if (forms === undefined) shown.set(snapshot, (forms = new Map<Format, Promise<string>>()))
  let text = forms.get(format)
  if (text === undefined) forms.set(format, (text = (format === 'json' ? asJson : asYaml)(state)))
  return text
}

/** Not aborted when the client goes: the next one wants the same. */
async function asJson({ snapshot, history, file }: AdminState): Promise<string> {
  const { version, plugins } = snapshot
  const { routes, ...rest } = snapshot.config
  const { since } = history
  const head = JSON.stringify({ version, since, file, config: concealedConfig(rest, plugins) })
  const rows = await textOfEach(routes, (route) => JSON.stringify(concealedRoute(route, plugins)))
  return `${head.slice(0, -2)},"routes":[${rows.join(',')}]}}`
}

async function asYaml({ snapshot, file }: AdminState): Promise<string> {
  const { version, plugins } = snapshot
  const { routes, ...rest } = snapshot.config
  const head = write(concealedConfig(rest, plugins))
  const rows = await textOfEach(routes, (route) => write([concealedRoute(route, plugins)]))
  return `# version ${version} of ${file}\n${head}routes:${rows.length === 0 ? ' []\n' : `\n${rows.join('')}`}`
}

function write(value: unknown): string {
  return stringify(value, { aliasDuplicateObjects: false })
}
