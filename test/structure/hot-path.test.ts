// What V8 punishes everywhere when it is done anywhere.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'

const ROOT = new URL('../../', import.meta.url).pathname

/** A subclass of String invalidates an assumption on which the addition of strings stands: 8 to 12 % of a proxied request. */
const STRING_SUBCLASS = /\bextends\s+String\b/

interface Lock {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean }>>
}

function scripts(directory: string): string[] {
  const entries = readdirSync(directory, { withFileTypes: true, recursive: true })
  const files = entries.filter((entry) => entry.isFile() && /\.[cm]?[jt]s$/.test(entry.name))
  return files.map((entry) => join(entry.parentPath, entry.name)).filter((file) => !/\.d\.[cm]?ts$/.test(file))
}

describe('the hot path', () => {
  it('is not slowed down by a class that extends String, in our code or in what it depends on', () => {
    const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as Lock
    // Binaries of other platforms are not installed.
    const dependencies = Object.entries(lock.packages).filter(
      ([path, { dev }]) => path !== '' && dev !== true && existsSync(join(ROOT, path)),
    )
    assert.ok(dependencies.length > 10)
    const directories = [...dependencies.map(([path]) => path), 'src', 'plugins'].map((path) => join(ROOT, path))
    const found = directories.flatMap((directory) =>
      scripts(directory).filter((file) => STRING_SUBCLASS.test(readFileSync(file, 'utf8'))),
    )
    assert.deepEqual(found, [])
  })
})
