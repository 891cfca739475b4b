// Secrets that stand in the file in so many words. What a schema calls a secret is one; where it leaves names open, they tell.
import { branches, isSecretName, isSecretOption, type SecretSchema } from '../concealed.ts'
import { isRecord, type Path } from '../document.ts'
import { GatewaySchema, isToggles } from '../schema.ts'
import { SECRET_KEYWORD } from '../units.ts'
import type { Work } from '../work.ts'
import type { Subject } from './subject.ts'

/** A digest is no secret; a cookie that a route sends or looks at seldom is. */
const DIGEST = /^(?:sha256:|scrypt:)/
const COOKIE = /^(?:set-)?cookie$/i

export const SECRET_IN_CLEAR = 'a secret stands here in clear; take it from the environment: "${NAME}"'

export function* lintSecrets(subject: Subject): Work<void> {
  const schema: SecretSchema = GatewaySchema as never
  const written = subject.written([])
  if (isRecord(written)) yield* look([schema], written, [], subject)
}

function* look(schemas: readonly SecretSchema[], value: unknown, path: Path, subject: Subject): Work<void> {
  const flat = schemas.flatMap(branches)
  if (typeof value === 'string' || typeof value === 'number') {
    if (flat.some((schema) => schema[SECRET_KEYWORD] === true)) tell(value, path, subject)
    return
  }
  if (Array.isArray(value)) {
    const items = flat.flatMap(({ items: each }) => (each === undefined ? [] : [each]))
    for (const [i, entry] of value.entries()) {
      if (path.length < 2) yield
      yield* look(items, entry, [...path, i], subject)
    }
    return
  }
  if (!isRecord(value)) return
  const toggles = flat.some(isToggles)
  for (const [key, entry] of Object.entries(value)) {
    const at = [...path, key]
    const plugin = toggles ? subject.plugins.get(key)?.schema : undefined
    if (plugin !== undefined) yield* look([plugin], entry, at, subject)
    else yield* member(flat, key, entry, at, subject)
    if (path.length < 2) yield
  }
}

function* member(
  schemas: readonly SecretSchema[],
  key: string,
  value: unknown,
  path: Path,
  subject: Subject,
): Work<void> {
  const declared = schemas.flatMap(({ properties = {} }) => (Object.hasOwn(properties, key) ? [properties[key]!] : []))
  const open = schemas.flatMap(({ patternProperties = {} }) => Object.values(patternProperties))
  const isNamedSo = declared.length > 0 ? isSecretOption(key) : isSecretName(key) && !COOKIE.test(key)
  if (isNamedSo && typeof value === 'string') tell(value, path, subject)
  else yield* look(declared.length > 0 ? declared : open, value, path, subject)
}

function tell(value: string | number, path: Path, subject: Subject): void {
  if (value === '' || DIGEST.test(String(value)) || !subject.isLiteral(path)) return
  subject.warn(path, SECRET_IN_CLEAR)
}
