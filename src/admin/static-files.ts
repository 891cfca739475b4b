// The dashboard: a fixed list of files, read when the listener starts. What is asked for is looked up, never opened.
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { extname, join, relative, sep } from 'node:path'
import type { Answer } from './answer.ts'
import { isUnchanged } from './resource.ts'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
}

interface StaticFile {
  readonly type: string
  readonly etag: string
  readonly bytes: Buffer
}

export class StaticFiles {
  static readonly none = new StaticFiles(new Map())
  /** By request path. */
  readonly #files: ReadonlyMap<string, StaticFile>

  private constructor(files: ReadonlyMap<string, StaticFile>) {
    this.#files = files
  }

  /** The files below `directory` as /dashboard/..., its index.html as / too. None when there is no such directory. */
  static async read(directory: string): Promise<StaticFiles> {
    const files = new Map<string, StaticFile>()
    const entries = await readdir(directory, { withFileTypes: true, recursive: true }).catch(() => [])
    for (const entry of entries) {
      const type = TYPES[extname(entry.name)]
      if (type === undefined || !entry.isFile()) continue
      const path = join(entry.parentPath, entry.name)
      const bytes = await readFile(path)
      const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`
      files.set(`/dashboard/${relative(directory, path).replaceAll(sep, '/')}`, { type, etag, bytes })
    }
    const index = files.get('/dashboard/index.html')
    if (index !== undefined) for (const path of ['/', '/dashboard/']) files.set(path, index)
    return new StaticFiles(files)
  }

  has(path: string): boolean {
    return this.#files.has(path)
  }

  paths(): Iterable<string> {
    return this.#files.keys()
  }

  /** `path` is one of them. */
  answer(path: string, ifNoneMatch: string): Answer {
    const { type, etag, bytes } = this.#files.get(path)!
    // They hold nothing secret: a browser may keep them, if it asks whether they are still the same.
    const headers = { etag, 'cache-control': 'no-cache' }
    if (isUnchanged(ifNoneMatch, etag)) return { status: 304, headers, body: '' }
    return { type, headers, body: bytes }
  }
}
