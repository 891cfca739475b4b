// Plugins of the user's own: every `NAME.ts`, `NAME.js`, `NAME.mjs` or `NAME/plugin.ts` in a plugin directory.
import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Plugin } from '../contract/plugin.ts'
import { hookPublicFace } from './public-face.ts'

const FILE = /^(?!.*\.(test|d)\.)([a-z][a-z0-9-]*)\.(ts|mts|js|mjs)$/

/** A plugin file that cannot be used; the message names it and says why. */
export class PluginFileError extends Error {}

/**
 * The plugins of some directories, each in its newest version. A version that does not load leaves the last good one in its
 * place; what is good is for the caller to say, with `commit`.
 */
export class PluginFiles {
  /** By path: what served last. */
  readonly #good = new Map<string, Plugin>()
  /** By path: what was loaded last, so that an unchanged file is not loaded again. */
  readonly #loaded = new Map<string, Plugin>()

  /**
   * `newest` false: files that have a good version are taken in that version. `failed` is told of files that cannot be
   * used, with the last good version if there is one. Rejects with PluginFileError when the directory cannot be read.
   */
  async load(
    directory: string,
    newest: boolean,
    failed: (error: PluginFileError, good: Plugin | null) => void,
  ): Promise<Plugin[]> {
    hookPublicFace()
    const plugins: Plugin[] = []
    for (const path of await pluginFiles(directory)) {
      const good = this.#good.get(path) ?? null
      try {
        plugins.push(newest || good === null ? await this.#load(path) : good)
      } catch (error) {
        if (!(error instanceof PluginFileError)) throw error
        failed(error, good)
        if (good !== null) plugins.push(good)
      }
    }
    return plugins
  }

  async #load(path: string): Promise<Plugin> {
    const revision = await revisionOf(path)
    const before = this.#loaded.get(path)
    if (before?.revision === revision) return before
    const plugin = await loadFile(path, revision)
    this.#loaded.set(path, plugin)
    return plugin
  }

  /** Is there a file whose newest version is not the good one? */
  get changed(): boolean {
    return [...this.#loaded].some(([path, plugin]) => this.#good.has(path) && this.#good.get(path) !== plugin)
  }

  /** The file of a plugin that serves; null for others. */
  fileOf(plugin: Plugin): string | null {
    for (const [path, good] of this.#good) if (good === plugin) return path
    return null
  }

  /** These versions serve now. */
  commit(plugins: Iterable<Plugin>): void {
    const serving = new Set(plugins)
    for (const [path, plugin] of this.#loaded) if (serving.has(plugin)) this.#good.set(path, plugin)
  }
}

/** A plugin file is not, or not any more, what it is said to be. */
export class StalePluginFile extends PluginFileError {}

const files = new WeakMap<Plugin, string>()

/** The file that a plugin was loaded from by its revision; null for those that come with the gateway. */
export function fileOfPlugin(plugin: Plugin): string | null {
  return files.get(plugin) ?? null
}

async function loadFile(path: string, revision: string): Promise<Plugin> {
  const plugin = Object.freeze({ ...(await loadPlugin(path, revision)), revision })
  files.set(plugin, path)
  return plugin
}

/** A plugin file that another process has looked at. Rejects with StalePluginFile when it has another revision by now. */
export async function loadRevision(path: string, revision: string): Promise<Plugin> {
  hookPublicFace()
  const check = async (): Promise<void> => {
    const found = await revisionOf(path).catch(() => '')
    if (found !== revision) throw new StalePluginFile(`plugin file ${path} was changed; it has another revision by now`)
  }
  await check()
  const plugin = await loadFile(path, revision)
  await check()
  return plugin
}

/** A hash of the file, and of all that lies in its folder if that is its own. */
async function revisionOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  const files = basename(path).startsWith('plugin.') ? await filesBelow(dirname(path)) : [path]
  for (const file of files)
    hash
      .update(file)
      .update('\0')
      .update(await readFile(file))
  return hash.digest('hex').slice(0, 16)
}

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return files.filter((file) => !file.includes('/node_modules/')).toSorted()
}

/** The directory and the folders of its plugins: what to watch. Empty when it cannot be read. */
export async function foldersOf(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => null)
  if (entries === null) return []
  return [directory, ...entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(directory, name))]
}

async function pluginFiles(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    throw new PluginFileError(`plugin directory ${directory} cannot be read: ${error.code ?? error.message}`)
  })
  const files: string[] = []
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(directory, entry.name)
    if (FILE.test(entry.name)) files.push(path)
    else if (entry.isDirectory()) files.push(...(await nested(path)))
  }
  return files
}

async function nested(directory: string): Promise<string[]> {
  for (const name of ['plugin.ts', 'plugin.mts', 'plugin.js', 'plugin.mjs']) {
    const path = join(directory, name)
    if (
      await stat(path)
        .then((found) => found.isFile())
        .catch(() => false)
    )
      return [path]
  }
  return []
}

/** Loads one file. Its default export must come from definePlugin. */
export async function loadPlugin(file: string, revision = ''): Promise<Plugin> {
  const query = revision === '' ? '' : `?revision=${revision}`
  let module: { default?: unknown }
  try {
    module = (await import(pathToFileURL(resolve(file)).href + query)) as { default?: unknown }
  } catch (error) {
    throw new PluginFileError(`plugin ${file} cannot be loaded: ${(error as Error).message}`, { cause: error })
  }
  const plugin = module.default as Partial<Plugin> | undefined
  if (typeof plugin?.name !== 'string' || typeof plugin.compile !== 'function' || plugin.schema === undefined) {
    throw new PluginFileError(`plugin ${file} must "export default definePlugin({ ... })"`)
  }
  return plugin as Plugin
}
