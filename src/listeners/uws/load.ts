// Finds a uWebSockets.js that this machine can load. The newer one needs a newer glibc (2.38); the older one serves
// Node 18 to 23 from glibc 2.27 on. Both behave alike, so that nobody else needs to know.
import type * as Uws from 'uWebSockets.js'

export type UwsModule = typeof Uws

/** Bytes of the largest request head; uWS reads it from the environment, once, when it is loaded. */
const MAX_HEAD_SIZE = 16 * 1024

const CANDIDATES = ['uWebSockets.js-next', 'uWebSockets.js']

type Importer = (name: string) => Promise<unknown>

let loaded: Promise<UwsModule> | null = null

/** Rejects with one line for each candidate when none can be loaded. */
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
      reasons.push(`${name}: ${(error as Error).message.split('\n', 1)[0]}`)
    }
  }
  const { platform, arch, versions } = process
  throw new Error(
    `no uWebSockets.js binary loads on ${platform}-${arch} with Node ${versions.node} ` +
      `(glibc 2.27 or newer and Node 22, 24 or 26 are needed); set "engine: node" on the listeners. ${reasons.join(' | ')}`,
  )
}
