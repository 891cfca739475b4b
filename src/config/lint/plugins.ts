// Plugins in an order that makes no sense, and plugins that wait for what nobody brings.
import type { Path } from '../document.ts'
import type { Toggle } from '../toggles.ts'
import type { Work } from '../work.ts'
import type { Subject } from './subject.ts'

/** They say who sends a request. */
const AUTHENTICATION = ['jwt', 'key-auth', 'basic-auth', 'hmac-auth', 'forward-auth']
const WITHOUT_IDENTITY = new Set([
  'access-log',
  'body-limit',
  'canary',
  'concurrency-limit',
  'cors',
  'fault',
  'headers',
  'ip-restrict',
  'mask',
  'rate-limit',
  'request-id',
  'transform',
  'acl',
])

interface Use {
  readonly options: unknown
  readonly path: Path
}

export function* lintPlugins(subject: Subject): Work<void> {
  const uses = yield* usesOf(subject)
  lintOrder(uses, subject)
  // A plugin of the user's own may say who sends a request.
  if ([...uses.keys()].every((name) => WITHOUT_IDENTITY.has(name))) lintIdentity(uses, subject)
}

function* usesOf(subject: Subject): Work<Map<string, Use[]>> {
  const { global, paths, routes } = subject.valid.toggles
  const uses = new Map<string, Use[]>()
  const add = (toggles: readonly Toggle[], path: Path): void => {
    for (const { plugin, value } of toggles) {
      if (value === 'off') continue
      const use = { options: value === 'on' ? null : value.options, path: [...path, plugin] }
      const known = uses.get(plugin)
      if (known === undefined) uses.set(plugin, [use])
      else known.push(use)
    }
  }
  add(global, ['plugins'])
  for (const { pattern, toggles } of paths) add(toggles, ['paths', pattern.source])
  for (const [i, toggles] of routes.entries()) {
    if (toggles.length > 0) add(toggles, ['routes', i, 'plugins'])
    yield
  }
  return uses
}

/** Orders of the plugins themselves make sense: only pluginOrder can spoil them. */
function lintOrder(uses: ReadonlyMap<string, readonly Use[]>, subject: Subject): void {
  const orders = subject.valid.config.pluginOrder ?? {}
  const orderOf = (name: string): number => orders[name] ?? subject.plugins.get(name)?.order ?? 0
  const expect = (first: string, then: string, why: string): void => {
    if (!uses.has(first) || !uses.has(then) || orderOf(first) < orderOf(then)) return
    const blamed = [then, first].find((name) => Object.hasOwn(orders, name))
    if (blamed !== undefined)
      subject.warn(
        ['pluginOrder', blamed],
        `${then} (${orderOf(then)}) runs before ${first} (${orderOf(first)}): ${why}`,
      )
  }
  for (const who of AUTHENTICATION) {
    expect(who, 'acl', 'it does not know yet who sends the request')
    for (const counting of ['rate-limit', 'concurrency-limit', 'canary'])
      if ((uses.get(counting) ?? []).some(({ options }) => needsIdentity(options)))
        expect(who, counting, 'its key asks for who sends the request, which is not known yet')
  }
  for (const changing of ['transform', 'headers']) expect(changing, 'mask', 'what is added after it is not masked')
}

function lintIdentity(uses: ReadonlyMap<string, readonly Use[]>, subject: Subject): void {
  for (const name of ['rate-limit', 'concurrency-limit', 'canary', 'acl']) {
    for (const { options, path } of uses.get(name) ?? []) {
      if (!needsIdentity(options)) continue
      subject.warn(path, `it asks who sends a request, and no plugin here tells: ${AUTHENTICATION.join(', ')}`, true)
    }
  }
}

/** Do these options ask for a consumer, a claim or a scope? */
function needsIdentity(options: unknown): boolean {
  if (typeof options !== 'object' || options === null) return false
  return Object.entries(options).some(([key, value]) => {
    if (key === 'key') return [value].flat().some((part) => /^(consumer$|claim:)/.test(String(part)))
    if (key === 'by') return typeof value === 'object' && value !== null && 'claim' in value
    if (key === 'limits' && Array.isArray(value)) return value.some(needsIdentity)
    if ((key === 'allow' || key === 'deny') && Array.isArray(value))
      return value.some((rule: object) => ['consumer', 'claims', 'scope'].some((about) => about in rule))
    return false
  })
}
