// What package-lock.json (version 3) must have so that `npm ci` accepts it: an entry for every optional dependency, of
// whatever platform.

export interface LockEntry {
  readonly version?: string
  readonly dev?: boolean
  readonly optional?: boolean
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly [key: string]: unknown
}

export interface LockFile {
  readonly packages: Readonly<Record<string, LockEntry>>
  readonly [key: string]: unknown
}

/** Path in node_modules -> entry, for every optional dependency that the file does not resolve to the version wanted. */
export function missingEntries(lock: LockFile): Map<string, LockEntry> {
  const missing = new Map<string, LockEntry>()
  const versionAt = (path: string): string | undefined => (lock.packages[path] ?? missing.get(path))?.version
  for (const [owner, entry] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      if (!isExact(version)) continue // an alias or a range: npm itself has resolved it
      const hoisted = `node_modules/${name}`
      const nested = `${owner}/node_modules/${name}`
      if (versionAt(nested) === version || (versionAt(nested) === undefined && versionAt(hoisted) === version)) continue
      const path = versionAt(hoisted) === undefined ? hoisted : nested
      missing.set(path, entryOf(name, version, entry.dev === true))
    }
  }
  return missing
}

/** The file with the entries added, all in the order that npm writes. */
export function withEntries(lock: LockFile, entries: ReadonlyMap<string, LockEntry>): LockFile {
  const all = { ...lock.packages, ...Object.fromEntries(entries) }
  const paths = Object.keys(all).toSorted((a, b) => a.localeCompare(b, 'en'))
  return { ...lock, packages: Object.fromEntries(paths.map((path) => [path, all[path]!])) }
}

const SYSTEMS = new Set([
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
])
const PROCESSORS = new Set(['arm', 'arm64', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64'])

/** `@uwsjs/linux-arm64-22` or `@oxlint/binding-linux-x64-musl`: the platform is in the name. */
function entryOf(name: string, version: string, dev: boolean): LockEntry {
  const words = name.slice(name.indexOf('/') + 1).split('-')
  const os = words.find((word) => SYSTEMS.has(word))
  const cpu = words.find((word) => PROCESSORS.has(word))
  if (os === undefined || cpu === undefined) throw new Error(`${name}: its name does not tell its platform`)
  const libc = /musl/.test(name) ? ['musl'] : os === 'linux' && /gnu/.test(name) ? ['glibc'] : null
  const node = Number(words.at(-1)) // of @uwsjs: the one major version that the binary is for
  return {
    version,
    cpu: [cpu],
    ...(dev ? { dev } : {}),
    ...(libc === null ? {} : { libc }),
    optional: true,
    os: [os],
    ...(node > 0 ? { engines: { node: `>=${node}.0.0 <${node + 1}.0.0` } } : {}),
  }
}

function isExact(version: string): boolean {
  return /^\d+\.\d+\.\d+$/.test(version)
}
