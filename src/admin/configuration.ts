// The configuration that serves, without its secrets, and the snapshots that it was made into.
import { stringify } from 'yaml'
import type { CompiledSnapshot } from '../compile/snapshot.ts'
import { concealedConfig } from '../config/concealed.ts'
import { json, type Answer } from './answer.ts'
import { isUnchanged, type Resource } from './resource.ts'
import type { AdminState } from './state.ts'

/** What is shown of a snapshot never changes: dashboards ask again and again. Lives as long as the snapshot. */
const shown = new WeakMap<CompiledSnapshot, Map<string, string>>()

export const configuration: Resource = {
  method: 'GET',
  path: '/admin/v1/config',
  summary: 'the configuration that serves, without its secrets',
  access: 'read',
  parameters: ['format'],
  handle({ query, ifNoneMatch }, state): Answer {
    const format = query.oneOf('format', ['json', 'yaml'], 'json')
    const { snapshot } = state
    // The same version in two forms: two entities (RFC 9110 section 8.8.3).
    const etag = format === 'json' ? `"${snapshot.version}"` : `"${snapshot.version}-yaml"`
    if (isUnchanged(ifNoneMatch, etag)) return { status: 304, headers: { etag }, body: '' }
    const type = format === 'json' ? 'application/json' : 'application/yaml'
    return { type, headers: { etag }, body: written(state, format) }
  },
}

function written(state: AdminState, format: 'json' | 'yaml'): string {
  const { snapshot } = state
  let forms = shown.get(snapshot)
  if (forms === undefined) shown.set(snapshot, (forms = new Map<string, string>()))
  let text = forms.get(format)
  if (text === undefined) {
    const config = concealedConfig(snapshot.config, snapshot.plugins)
    const { version } = snapshot
    text =
      format === 'yaml'
        ? `# version ${version} of ${state.file}\n${stringify(config, { aliasDuplicateObjects: false })}`
        : JSON.stringify({ version, since: state.history.since, file: state.file, config })
    forms.set(format, text)
  }
  return text
}

export const snapshots: Resource = {
  method: 'GET',
  path: '/admin/v1/snapshots',
  summary: 'the snapshot that serves, and those that requests still use',
  access: 'read',
  parameters: [],
  handle: (_call, state) => json({ snapshots: state.history.reports() }),
}
