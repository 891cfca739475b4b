// A configuration whose unchanged parts are the objects of the one before, as a loader hands it out.
import { isDeepStrictEqual } from 'node:util'
import type { ValidConfig } from '../../src/config/load.ts'

/** `after`, with the parts of `before` wherever they are equal. */
export function keepingParts(before: ValidConfig, after: ValidConfig): ValidConfig {
  const config = same(before.config, {
    ...after.config,
    ...(after.config.upstreams === undefined
      ? {}
      : { upstreams: entriesOf(before.config.upstreams ?? {}, after.config.upstreams) }),
    routes: after.config.routes.map((route) => {
      const old = before.config.routes.find(({ name }) => name === route.name)
      return old === undefined ? route : same(old, route)
    }),
  })
  const ownBefore = (name: string): ValidConfig['toggles']['global'] | undefined =>
    before.toggles.routes[before.config.routes.findIndex((route) => route.name === name)]
  const paths = after.toggles.paths.map((entry) => {
    const old = before.toggles.paths.find(({ pattern }) => pattern.source === entry.pattern.source)
    return old !== undefined && sameToggles(old.toggles, entry.toggles) === old.toggles ? old : entry
  })
  return {
    config,
    toggles: {
      global: sameToggles(before.toggles.global, after.toggles.global),
      paths: paths.length === before.toggles.paths.length ? keep(before.toggles.paths, paths) : paths,
      routes: after.toggles.routes.map((own, i) => {
        const old = ownBefore(after.config.routes[i]!.name)
        return old === undefined ? own : sameToggles(old, own)
      }),
    },
    defaults: after.defaults,
  }
}

function same<T>(before: T, after: T): T {
  return isDeepStrictEqual(before, after) ? before : after
}

type Toggles = ValidConfig['toggles']['global']

/** Wherever they stand in the file. */
function sameToggles(before: Toggles, after: Toggles): Toggles {
  const said = (toggles: Toggles): unknown => toggles.map(({ plugin, value }) => [plugin, value])
  return isDeepStrictEqual(said(before), said(after)) ? before : after
}

function keep<T>(before: readonly T[], after: readonly T[]): readonly T[] {
  return after.every((entry, i) => entry === before[i]) ? before : after
}

function entriesOf<T>(before: Readonly<Record<string, T>>, after: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(
    Object.entries(after).map(([name, value]) => [name, name in before ? same(before[name]!, value) : value]),
  )
}
