// The files of the project, for tests about the project itself.
import { readdir, readFile } from 'node:fs/promises'

export const ROOT = new URL('../../', import.meta.url)

/** Path from the root -> text, of every file below the directories whose name ends so. A missing directory has none. */
export async function readSources(directories: readonly string[], ending: string): Promise<Map<string, string>> {
  const texts = new Map<string, string>()
  for (const directory of directories) {
    const names = await readdir(new URL(directory, ROOT), { recursive: true }).catch(() => [])
    for (const name of names) {
      if (!name.endsWith(ending) || name.includes('node_modules')) continue
      const file = `${directory}/${name}`
      texts.set(file, await readFile(new URL(file, ROOT), 'utf8'))
    }
  }
  return texts
}

/** The source without comments and template literals, whose text is not code of the file. */
export function codeOf(source: string): string {
  return source.replaceAll(/^\s*\/\/.*$|\/\*[\s\S]*?\*\//gm, '').replaceAll(/`[^`]*`/g, '``')
}
