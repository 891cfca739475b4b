// The rules of the rooms: imports point only downward, rooms on one floor do not know each other, plugins know the
// contract and the base, one room knows uWebSockets.js, and no file imports itself by a detour.
import { posix } from 'node:path'
import { codeOf } from './sources.ts'

const FLOORS: ReadonlyMap<string, number> = new Map([
  ['base', 0],
  ['config', 1],
  ['telemetry', 1],
  ['contract', 2],
  ['router', 3],
  ['chain', 3],
  ['upstreams', 3],
  ['limits', 3],
  ['auth', 3],
  ['overload', 3],
  ['sandbox', 3],
  ['road', 4],
  ['compile', 4],
  ['listeners', 5],
  ['control', 5],
  ['admin', 6],
  ['process', 6],
  ['cli', 7],
  ['gateway.ts', 7],
  ['data-plane.ts', 7],
  ['live-state.ts', 7],
  ['supervisor.ts', 7],
  ['worker.ts', 7],
])

/** What plugins may import besides packages. */
const PLUGIN_ROOMS = ['contract', 'base']

export interface Import {
  /** A file, from the root of the project, or the name of a package. */
  readonly target: string
  /** Gone at run time. */
  readonly typeOnly: boolean
}

/** File -> what it imports. */
export type Imports = ReadonlyMap<string, readonly Import[]>

const STATEMENT = /^\s*(?:import|export)(\s+type)?\b[^'"`;=()]*?\bfrom\s+(['"])(.+?)\2/gm
const BARE = /^\s*import\s+(['"])(.+?)\1/gm
const DYNAMIC = /\bimport\(\s*(['"])(.+?)\1\s*\)/gm

export function importsOf(file: string, source: string): Import[] {
  const text = codeOf(source)
  const found: Import[] = []
  const add = (specifier: string, typeOnly: boolean): void => {
    const target = specifier.startsWith('.') ? posix.join(posix.dirname(file), specifier) : specifier
    found.push({ target, typeOnly })
  }
  for (const [, type, , specifier] of text.matchAll(STATEMENT)) add(specifier!, type !== undefined)
  for (const [, , specifier] of text.matchAll(BARE)) add(specifier!, false)
  for (const [, , specifier] of text.matchAll(DYNAMIC)) add(specifier!, false)
  return found
}

/** One line for every import that the rules forbid. Tests stand outside: they may import whatever they test with. */
export function violations(imports: Imports): string[] {
  const found: string[] = []
  for (const [file, targets] of imports) {
    if (file.endsWith('.test.ts')) continue
    for (const { target } of targets) {
      const problem = problemOf(file, target)
      if (problem !== '') found.push(`${file} -> ${target}: ${problem}`)
    }
  }
  return found
}

function problemOf(file: string, target: string): string {
  if (target.startsWith('uWebSockets.js')) {
    return file.startsWith('src/listeners/uws/') ? '' : 'only listeners/uws knows uWebSockets.js'
  }
  if (target.startsWith('node:') || !target.endsWith('.ts')) return ''
  if (file.startsWith('plugins/')) return pluginProblem(file, target)
  if (!target.startsWith('src/')) return target.startsWith('plugins/') ? 'plugins are loaded, not known' : 'leaves src'
  return floorProblem(roomOf(file), roomOf(target))
}

function pluginProblem(file: string, target: string): string {
  if (target.startsWith('plugins/')) return roomOf(target) === roomOf(file) ? '' : 'another plugin'
  if (!target.startsWith('src/')) return 'leaves plugins'
  return PLUGIN_ROOMS.includes(roomOf(target)) ? '' : 'plugins reach rooms only through their Host'
}

function floorProblem(from: string, to: string): string {
  const lower = FLOORS.get(to)
  const upper = FLOORS.get(from)
  if (upper === undefined || lower === undefined) return 'a room that has no floor'
  // The command line and the files that wire everything stand on the top floor together: the one starts the others.
  if (from === to || (upper === lower && to.endsWith('.ts') && from !== 'live-state.ts')) return ''
  if (upper === lower) return 'rooms on one floor do not import each other'
  return upper > lower ? '' : 'imports point downward'
}

/** `src/road/handle.ts` -> `road`, `plugins/cors/plugin.ts` -> `cors`, `src/gateway.ts` -> itself. */
function roomOf(file: string): string {
  return file.split('/')[1]!
}

/** Imports of files that are not there. */
export function dangling(imports: Imports, exists: (file: string) => boolean): string[] {
  return [...imports].flatMap(([file, targets]) =>
    targets
      .filter(({ target }) => target.endsWith('.ts') && !exists(target))
      .map(({ target }) => `${file} -> ${target}`),
  )
}

/**
 * Every way from a file back to itself, as `a -> b -> a`. Types count as well, except that within contract/ the types
 * of one Exchange may name each other: they belong together, and nothing of it is left at run time.
 */
export function cycles(imports: Imports): string[] {
  const inContract = (file: string): boolean => file.startsWith('src/contract/')
  const done = new Set<string>()
  const found: string[] = []
  const visit = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file)
    if (start >= 0) found.push([...path.slice(start), file].join(' -> '))
    if (start >= 0 || done.has(file)) return
    for (const { target, typeOnly } of imports.get(file) ?? []) {
      if (!(typeOnly && inContract(file) && inContract(target))) visit(target, [...path, file])
    }
    done.add(file)
  }
  for (const file of imports.keys()) visit(file, [])
  return found
}
