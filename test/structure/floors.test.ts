// The rooms of the design, enforced: imports point only downward, rooms on one floor do not know each other, plugins
// know the contract and the base, and no file imports itself by a detour.
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { posix } from 'node:path'
import { describe, it } from 'node:test'

const ROOT = new URL('../../', import.meta.url)

const FLOORS: Readonly<Record<string, number>> = {
  base: 0,
  config: 1,
  telemetry: 1,
  contract: 2,
  router: 3,
  chain: 3,
  upstreams: 3,
  limits: 3,
  auth: 3,
  overload: 3,
  sandbox: 3,
  road: 4,
  compile: 4,
  listeners: 5,
  control: 5,
  admin: 6,
  process: 6,
  cli: 7,
  'gateway.ts': 7,
}

/** What plugins may import besides packages. */
const PLUGIN_ROOMS = ['contract', 'base']

/** File -> what it imports, both relative to the root of the project; packages by their name. */
type Imports = ReadonlyMap<string, readonly string[]>

function importsOf(file: string, source: string): string[] {
  const found = source.matchAll(
    /^\s*(?:import|export)\b[^'"]*?from\s+'([^']+)'|^\s*import\s+'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/gm,
  )
  return [...found].map(([, from, bare, dynamic]) => {
    const specifier = (from ?? bare ?? dynamic)!
    return specifier.startsWith('.') ? posix.join(posix.dirname(file), specifier) : specifier
  })
}

function roomOf(file: string): string {
  return file.split('/')[1]!
}

function violations(imports: Imports): string[] {
  const found: string[] = []
  for (const [file, targets] of imports) {
    for (const target of targets) {
      if (target === 'uWebSockets.js' && !file.startsWith('src/listeners/uws/'))
        found.push(`${file} imports uWebSockets.js`)
      if (!target.startsWith('src/') && !target.startsWith('plugins/')) continue
      const problem = file.startsWith('plugins/') ? pluginProblem(file, target) : floorProblem(file, target)
      if (problem !== '') found.push(`${file} -> ${target}: ${problem}`)
    }
  }
  return [...found, ...cycles(imports)]
}

function pluginProblem(file: string, target: string): string {
  if (target.startsWith('plugins/')) return target.split('/')[1] === file.split('/')[1] ? '' : 'another plugin'
  return PLUGIN_ROOMS.includes(roomOf(target)) ? '' : 'plugins reach rooms only through their Host'
}

function floorProblem(file: string, target: string): string {
  if (target.startsWith('plugins/')) return 'the gateway does not know its plugins by name'
  const from = FLOORS[roomOf(file)]
  const to = FLOORS[roomOf(target)]
  if (from === undefined || to === undefined) return 'a room that has no floor'
  if (roomOf(file) === roomOf(target)) return ''
  // The command line and gateway.ts stand on the top floor together: the one starts the other.
  if (roomOf(file) === 'cli' && roomOf(target) === 'gateway.ts') return ''
  if (from === to) return 'rooms on one floor do not import each other'
  return from > to ? '' : 'imports point downward'
}

function cycles(imports: Imports): string[] {
  const done = new Set<string>()
  const found: string[] = []
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) {
      found.push(`cycle: ${[...path.slice(path.indexOf(file)), file].join(' -> ')}`)
      return
    }
    if (done.has(file)) return
    for (const target of imports.get(file) ?? []) visit(target, [...path, file])
    done.add(file)
  }
  for (const file of imports.keys()) visit(file, [])
  return found
}

async function sources(directory: string): Promise<string[]> {
  const entries = await readdir(new URL(directory, ROOT), { recursive: true })
  return entries
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => posix.join(directory, name))
}

async function readAll(files: readonly string[]): Promise<Map<string, string>> {
  return new Map(
    await Promise.all(files.map(async (file) => [file, await readFile(new URL(file, ROOT), 'utf8')] as const)),
  )
}

describe('floors', () => {
  it('hold for every import of the gateway and its plugins', async () => {
    const texts = await readAll([...(await sources('src')), ...(await sources('plugins'))])
    assert.ok(texts.size > 50, 'the sources were found')
    const imports = new Map([...texts].map(([file, text]) => [file, importsOf(file, text)]))
    // contract/: the types of one Exchange name each other, and types alone make no cycle at run time.
    const atRunTime = new Map(
      [...texts].map(([file, text]) => [file, importsOf(file, text.replaceAll(/^import type [^']*'[^']+'$/gm, ''))]),
    )
    assert.deepEqual(
      violations(imports).filter(
        (line) => !(line.startsWith('cycle') && line.split(' -> ').every((part) => part.includes('src/contract/'))),
      ),
      [],
    )
    assert.deepEqual(cycles(atRunTime), [])
  })

  it('are really checked', () => {
    const check = (...pairs: [string, string][]): string[] =>
      violations(new Map(pairs.map(([from, to]) => [from, [to]])))
    assert.match(check(['src/base/a.ts', 'src/config/b.ts'])[0]!, /downward/)
    assert.match(check(['src/router/a.ts', 'src/chain/b.ts'])[0]!, /one floor/)
    assert.match(check(['src/nowhere/a.ts', 'src/base/b.ts'])[0]!, /no floor/)
    assert.match(check(['plugins/a/plugin.ts', 'src/road/b.ts'])[0]!, /Host/)
    assert.match(check(['plugins/a/plugin.ts', 'plugins/b/plugin.ts'])[0]!, /another plugin/)
    assert.match(check(['src/road/a.ts', 'uWebSockets.js'])[0]!, /uWebSockets/)
    assert.match(check(['src/road/a.ts', 'plugins/b/plugin.ts'])[0]!, /by name/)
    assert.match(check(['src/base/a.ts', 'src/base/b.ts'], ['src/base/b.ts', 'src/base/a.ts'])[0]!, /cycle/)
    assert.deepEqual(check(['src/road/a.ts', 'src/base/b.ts'], ['plugins/a/plugin.ts', 'src/contract/plugin.ts']), [])
    assert.deepEqual(
      importsOf('src/a/b.ts', "import type { X } from '../c/d.ts'\nexport {\n  y,\n} from './e.ts'\nawait import('x')"),
      ['src/c/d.ts', 'src/a/e.ts', 'x'],
    )
  })
})

describe('the tree', () => {
  it('has no file of more than 400 lines, no barrel, no mark of unfinished work', async () => {
    const texts = await readAll([...(await sources('src')), ...(await sources('plugins'))])
    const marks = /\bTO[D]O\b|\bFIX[M]E\b/
    for (const [file, text] of texts) {
      assert.ok(text.split('\n').length <= 400, `${file} is long`)
      assert.doesNotMatch(text, marks, file)
      const statements = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('//'))
      assert.ok(!statements.every((line) => /^export .* from /.test(line)), `${file} only passes on`)
    }
  })

  it('has no broken link in its documents', async () => {
    const entries = await readdir(new URL('docs', ROOT), { recursive: true })
    const pages = [
      'README.md',
      'CHANGELOG.md',
      ...entries.filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`),
    ]
    for (const [page, text] of await readAll(pages)) {
      for (const [, link = ''] of text.matchAll(/\]\(([^)#]+)[^)]*\)/g)) {
        if (/^https?:/.test(link)) continue
        const target = new URL(link, new URL(page, ROOT))
        await assert.doesNotReject(
          readFile(target).catch(async () => readdir(target)),
          `${page} links to ${link}`,
        )
      }
    }
  })
})
