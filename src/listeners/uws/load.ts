// Finds a uWebSockets.js that this machine can load. The newer one needs a newer glibc (2.38); the older one serves
// Node 22 and 23 from glibc 2.27 on. Both behave alike, so that nobody else needs to know.
import type * as Uws from 'uWebSockets.js'

export type UwsModule = typeof Uws

/** Bytes of the largest request head; uWS reads it from the environment, once, when it is loaded. */
const MAX_HEAD_SIZE = 16 * 1024

const CANDIDATES = ['uWebSockets.js-next', 'uWebSockets.js']

type Importer = (name: string) => Promise<unknown>

let loaded: Promise<UwsModule> | null = null

/** Rejects with one line that says what is missing when none can be loaded. */
export function loadUws(): Promise<UwsModule> {
  loaded ??= importFirst((name) => import(name))
  return loaded
}

/** Tries the candidates in order; `importer` is the dynamic import, or a test's. */
export async function importFirst(importer: Importer): Promise<UwsModule> {
  process.env['UWS_HTTP_MAX_HEADERS_SIZE'] ??= String(MAX_HEAD_SIZE)
  const reasons: string[] = []
  for (const name of CANDIDATES) {
    try {
      const module = (await importer(name)) as { default?: UwsModule } & UwsModule
      const uws = module.default ?? module
      if (typeof uws.App !== 'function') throw new Error('it has no App')
      // No `uWebSockets: 20` header. The types do not know this switch.
      ;(uws as unknown as { _cfg(option: string): void })._cfg('silent')
      return uws
    } catch (error) {
      reasons.push(`${name}: ${reasonOf(error)}`)
    }
  }
  throw new Error(
    `no uWebSockets.js binary loads on ${thisPlatform()}; set "engine: node" on the listeners. ${reasons.join(' | ')}`,
  )
}

/** What stands in the way, in words: the packages wrap the loader's own error in a general text about platforms. */
function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  const glibc = /GLIBC_([\d.]+)/.exec(text)
  if (glibc !== null) return `needs glibc ${glibc[1]} or newer`
  const missing = /Cannot find (?:module|package) '([^']+)'/.exec(text)
  if (missing !== null) return missing[1]!.startsWith('.') ? 'has no binary for it' : `${missing[1]} is not installed`
  return text.split('\n', 1)[0]!
}

function thisPlatform(): string {
  const { platform, arch, versions } = process
  const node = `${platform}-${arch} with Node ${versions.node}`
  if (platform !== 'linux') return node
  // Without the network part it need not look up the names of open connections; the types do not know the switch yet.
  ;(process.report as { excludeNetwork?: boolean }).excludeNetwork = true
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } }
  return `${node} and ${header.glibcVersionRuntime === undefined ? 'no glibc' : `glibc ${header.glibcVersionRuntime}`}`
}
