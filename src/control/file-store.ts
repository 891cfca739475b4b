// A configuration file as a place to write to: replaced in one step, or not at all.
import { randomBytes } from 'node:crypto'
import { lstat, open, readFile, readlink, realpath, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { FILE_ITEM, StoreRefusal, type ConfigStore, type FileAuthority } from './config-authority.ts'
import { InvalidConfiguration } from './publish.ts'
import { VersionConflict, type ConfigChange } from './shared-store.ts'
import { WriteRefusal } from './write-refusal.ts'

const REASONS: Readonly<Record<string, string>> = {
  EROFS: 'it lies on a file system that is read-only',
  EACCES: 'the gateway may not write in its directory',
  EPERM: 'the gateway may not write in its directory',
  EBUSY: 'it is a mount of its own, which cannot be replaced; mount its directory',
  EXDEV: 'it is a mount of its own, which cannot be replaced; mount its directory',
  ENOENT: 'it is gone',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk is full',
}
/** They may pass. */
const PASSING = new Set(['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE', 'EIO'])

export class FileStore implements ConfigStore {
  readonly shared = false
  readonly #file: string
  readonly #authority: FileAuthority

  constructor(file: string, authority: FileAuthority) {
    this.#file = file
    this.#authority = authority
  }

  get place(): string {
    return `the file ${this.#file}`
  }

  async write({ base, items, author, message }: ConfigChange): Promise<number> {
    const { version, text: before } = this.#authority
    if (base !== version) throw new VersionConflict(base, version)
    const text = items.get(FILE_ITEM)
    if (text === undefined || text === null) throw new StoreRefusal(`${this.place} cannot be removed`, false)
    await this.#replace(before, text)
    try {
      return await this.#authority.adopt(text, author, message)
    } catch (error) {
      // The next start must not fail for what was refused now. If somebody else has written meanwhile, so be it.
      await this.#replace(text, before).catch(() => {})
      if (error instanceof InvalidConfiguration) throw error
      // An address that cannot be had, say.
      throw new StoreRefusal(`it cannot serve: ${(error as Error).message}`, false, error)
    }
  }

  /** Rejects with StoreRefusal, or with WriteRefusal when the file is not what it was. */
  async #replace(before: string, after: string): Promise<void> {
    try {
      const real = await realpath(this.#file)
      await refuseKubernetes(this.#file, real)
      if ((await readFile(real, 'utf8')) !== before)
        throw new WriteRefusal('stale', `${this.place} was changed on disk, and that does not serve (yet)`)
      await replaceFile(real, after)
    } catch (error) {
      throw this.#refusal(error)
    }
  }

  #refusal(error: unknown): Error {
    if (error instanceof StoreRefusal || error instanceof WriteRefusal) return error
    const { code = '', message } = error as NodeJS.ErrnoException
    return new StoreRefusal(`${this.place} cannot be written: ${REASONS[code] ?? message}`, PASSING.has(code), error)
  }
}

/** A ConfigMap is swapped by its `..data` link: what is written there is lost, or not possible. */
async function refuseKubernetes(file: string, real: string): Promise<void> {
  const isLink = (await lstat(file)).isSymbolicLink()
  const target = isLink ? await readlink(file) : ''
  if (!target.split('/').includes('..data') && !basename(dirname(real)).startsWith('..')) return
  throw new StoreRefusal(`${file} comes from a ConfigMap of Kubernetes: change that instead`, false)
}

/** Mode and owner are kept. A reader sees the old file or the new one, also after a crash. */
async function replaceFile(file: string, text: string): Promise<void> {
  const { mode, uid, gid } = await stat(file)
  const directory = dirname(file)
  const next = join(directory, `.${basename(file)}.${randomBytes(6).toString('hex')}.new`)
  const handle = await open(next, 'wx', 0o600)
  try {
    try {
      await keepOwner(handle, file, uid, gid)
      await handle.chmod(mode & 0o7777)
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(next, file)
  } catch (error) {
    await rm(next, { force: true })
    throw error
  }
  const folder = await open(directory, 'r')
  // Some file systems cannot: the file itself is there.
  await folder.sync().catch(() => {})
  await folder.close()
}

async function keepOwner(handle: FileHandle, file: string, uid: number, gid: number): Promise<void> {
  const own = await handle.stat()
  if (own.uid === uid && own.gid === gid) return
  await handle.chown(uid, gid).catch(() => {
    throw new StoreRefusal(`${file} belongs to another user, to whom the gateway could not give it back`, false)
  })
}
