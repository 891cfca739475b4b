// A configuration as it may be shown: what is secret is ***, and numbers with a unit are text again, so that what is shown
// can be read as a configuration. A schema says what is secret; where it leaves names open, the names do.
import type { TSchema } from 'typebox'
import { isRecord } from './document.ts'
import { GatewaySchema, isToggles, RouteSchema, type GatewayConfig, type RouteConfig } from './schema.ts'
import { formatUnit, SECRET_KEYWORD, UNIT_KEYWORD, type Unit } from './units.ts'

export const CONCEALED = '***'

export interface SecretSchema {
  readonly anyOf?: readonly SecretSchema[]
  readonly allOf?: readonly SecretSchema[]
  readonly properties?: Readonly<Record<string, SecretSchema>>
  readonly patternProperties?: Readonly<Record<string, SecretSchema>>
  readonly items?: SecretSchema
  readonly [UNIT_KEYWORD]?: Unit
  readonly [SECRET_KEYWORD]?: boolean
}

/** Names that no schema knows: header fields, conditions, claims. */
const SECRET_NAME =
  /^(?:(?:proxy-)?authorization|(?:set-)?cookie|x-api-key|x-(?:auth|csrf)-token|.*(?:password|passwd|passphrase|secret)|(?:.*[-_])?token|.*api[-_]?key|.*private[-_]?key|.*access[-_]?key)$/i
/** Names that plugins of users give to secrets without saying so. */
const SECRET_OPTION = /^(?:password|passwd|passphrase|secret|api[-_]?key|client[-_]?secret|private[-_]?key)$/i
const CREDENTIALS = /([a-z][a-z0-9+.-]*:\/\/)[^\s"/]*@/gi
const SECRET_PARAMETER = /([?&](?:[a-z_]*token|api[-_]?key|password|passwd|secret|client_secret)=)[^&#\s"]+/gi

/** Does the name alone say that its value is a secret? */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name)
}

/** The same for an option that some schema knows, and does not call a secret. */
export function isSecretOption(name: string): boolean {
  return SECRET_OPTION.test(name)
}

interface Rules {
  readonly plugins: ReadonlyMap<string, { readonly schema: TSchema }>
  /** Numbers with a unit become text. */
  readonly units: boolean
}

/** The whole configuration, or parts of it. */
export function concealedConfig(config: Partial<GatewayConfig>, plugins: Rules['plugins']): unknown {
  const schema: TSchema = GatewaySchema
  return concealed([schema], config, { plugins, units: true })
}

/** One of its routes: there may be very many. */
export function concealedRoute(route: RouteConfig, plugins: Rules['plugins']): unknown {
  const schema: TSchema = RouteSchema
  return concealed([schema], route, { plugins, units: true })
}

/** Options of one plugin, as they are in force: units stay numbers. */
export function concealedOptions(schema: TSchema, options: unknown): unknown {
  return concealed([schema], options, { plugins: new Map(), units: false })
}

/** Text that somebody wrote, without the credentials of the addresses in it. */
export function concealedText(text: string): string {
  return text.replace(CREDENTIALS, `$1${CONCEALED}@`).replace(SECRET_PARAMETER, `$1${CONCEALED}`)
}

/** `schemas`: every schema that may describe the value; what one of them calls secret is secret. */
function concealed(schemas: readonly SecretSchema[], value: unknown, rules: Rules): unknown {
  const flat = schemas.flatMap(branches)
  if (flat.some((schema) => schema[SECRET_KEYWORD] === true)) return CONCEALED
  if (typeof value === 'string') return concealedText(value)
  if (typeof value === 'number' && rules.units) {
    const unit = flat.find((schema) => schema[UNIT_KEYWORD] !== undefined)?.[UNIT_KEYWORD]
    return unit === undefined ? value : formatUnit(unit, value)
  }
  if (Array.isArray(value)) {
    const items = flat.flatMap(({ items: each }) => (each === undefined ? [] : [each]))
    return value.map((entry) => concealed(items, entry, rules))
  }
  if (!isRecord(value)) return value
  if (flat.some(isToggles)) return concealedToggles(value, rules)
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, member(flat, key, entry, rules)]))
}

function member(schemas: readonly SecretSchema[], key: string, value: unknown, rules: Rules): unknown {
  const declared = schemas.flatMap(({ properties = {} }) => (Object.hasOwn(properties, key) ? [properties[key]!] : []))
  if (declared.length > 0)
    return typeof value === 'string' && isSecretOption(key) ? CONCEALED : concealed(declared, value, rules)
  if (isSecretName(key)) return withoutText(value)
  const any = schemas.flatMap(({ patternProperties = {} }) => Object.values(patternProperties))
  return concealed(any, value, rules)
}

function concealedToggles(toggles: Readonly<Record<string, unknown>>, rules: Rules): unknown {
  return Object.fromEntries(
    Object.entries(toggles).map(([plugin, options]) => {
      const schema = rules.plugins.get(plugin)?.schema
      return [plugin, concealed(schema === undefined ? [] : [schema], options, rules)]
    }),
  )
}

/** A schema with all that it may be instead. */
export function branches(schema: SecretSchema): readonly SecretSchema[] {
  const { anyOf = [], allOf = [] } = schema
  return anyOf.length + allOf.length === 0 ? [schema] : [schema, ...[...anyOf, ...allOf].flatMap(branches)]
}

/** The same form with nothing in it that could be a secret. */
function withoutText(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutText)
  if (isRecord(value)) return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, withoutText(entry)]))
  return typeof value === 'string' || typeof value === 'number' ? CONCEALED : value
}
