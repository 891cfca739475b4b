// The schema that editors use for completion and hints: the configuration with the options of the given plugins.
import type { TSchema } from 'typebox'
import { GatewaySchema, isToggles } from './schema.ts'

interface DescribedPlugin {
  readonly name: string
  readonly summary: string
  readonly schema: TSchema
}

/** JSON Schema, draft-07, as plain data with stable order. */
export function editorSchema(plugins: readonly DescribedPlugin[]): object {
  const schema = JSON.parse(JSON.stringify(GatewaySchema)) as Record<string, unknown>
  const toggles = {
    type: 'object',
    properties: Object.fromEntries(
      plugins.map(({ name, summary, schema: options }) => [
        name,
        { description: summary, anyOf: [{ enum: ['on', 'off', true, false] }, JSON.parse(JSON.stringify(options))] },
      ]),
    ),
  }
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    ...(replaceToggles(schema, toggles) as object),
    definitions: { toggles },
  }
}

/** Every place where the schema leaves plugin options open points to the definition with all of them. */
function replaceToggles(node: unknown, toggles: object): unknown {
  if (Array.isArray(node)) return node.map((entry) => replaceToggles(entry, toggles))
  if (typeof node !== 'object' || node === null) return node
  const record = node as Record<string, unknown>
  if (isToggles(record)) {
    return { $ref: '#/definitions/toggles', description: record['description'] }
  }
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, replaceToggles(value, toggles)]))
}
