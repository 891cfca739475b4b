// The plugins of a worker. It loads them itself: those that come with the gateway by name, the user's by file and revision,
// so that all workers run the same code.
import type { Plugin } from '../contract/plugin.ts'
import { fileOfPlugin, loadRevision } from '../control/plugin-directory.ts'
import type { PluginReference } from './messages.ts'

export class PluginShelf {
  readonly #builtIn: ReadonlyMap<string, Plugin>
  /** By file and revision. None is forgotten: Node keeps the module anyway. */
  readonly #loaded = new Map<string, Promise<Plugin>>()

  constructor(builtIn: readonly Plugin[]) {
    this.#builtIn = new Map(builtIn.map((plugin) => [plugin.name, plugin]))
  }

  /** Rejects with StalePluginFile when a file is not what the reference says, with PluginFileError when it does not load. */
  async take(references: readonly PluginReference[]): Promise<ReadonlyMap<string, Plugin>> {
    const plugins = await Promise.all(references.map((reference) => this.#take(reference)))
    return new Map(plugins.map((plugin) => [plugin.name, plugin]))
  }

  fileOf(plugin: Plugin): string | null {
    return fileOfPlugin(plugin)
  }

  #take({ name, path, revision }: PluginReference): Promise<Plugin> {
    if (path === null) {
      const plugin = this.#builtIn.get(name)
      if (plugin === undefined) throw new Error(`there is no plugin "${name}" here: the worker runs another version`)
      return Promise.resolve(plugin)
    }
    const key = `${path}\0${revision}`
    let plugin = this.#loaded.get(key)
    if (plugin === undefined) {
      plugin = loadRevision(path, revision)
      this.#loaded.set(key, plugin)
      // It may be there again the next time.
      plugin.catch(() => this.#loaded.delete(key))
    }
    return plugin
  }
}
