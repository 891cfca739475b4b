// Plugins of the user's own: every `NAME.ts`, `NAME.js`, `NAME.mjs` or `NAME/plugin.ts` in a plugin directory. They
// import `sluice/plugin` from anywhere on disk: a resolve hook leads that name to the gateway's own copy.
import { readdir, stat } from 'node:fs/promises'
import { registerHooks } from 'node:module'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Plugin } from '../contract/plugin.ts'

const PUBLIC_FACE = new URL('../contract/plugin.ts', import.meta.url).href
const FILE = /^(?!.*\.(test|d)\.)([a-z][a-z0-9-]*)\.(ts|mts|js|mjs)$/

let hooked = false

function hookPublicFace(): void {
  if (hooked) return
  hooked = true
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier === 'sluice/plugin') return { url: PUBLIC_FACE, shortCircuit: true }
      return next(specifier, context)
    },
  })
}

/** A plugin file that cannot be used; the message names it and says why. */
export class PluginFileError extends Error {}

/** Loads all plugins of a directory. Rejects with PluginFileError. */
export async function loadPluginDirectory(directory: string): Promise<Plugin[]> {
  hookPublicFace()
  const files = await pluginFiles(directory)
  return Promise.all(files.map(loadPlugin))
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
export async function loadPlugin(file: string): Promise<Plugin> {
  let module: { default?: unknown }
  try {
    module = (await import(pathToFileURL(resolve(file)).href)) as { default?: unknown }
  } catch (error) {
    throw new PluginFileError(`plugin ${file} cannot be loaded: ${(error as Error).message}`, { cause: error })
  }
  const plugin = module.default as Partial<Plugin> | undefined
  if (typeof plugin?.name !== 'string' || typeof plugin.compile !== 'function' || plugin.schema === undefined) {
    throw new PluginFileError(`plugin ${file} must "export default definePlugin({ ... })"`)
  }
  return plugin as Plugin
}
