// The configuration that served last, on the disk of this gateway: what it starts with when etcd does not answer.
//
//   {"format":1,"prefix":…,"cluster":…,"commit":{…},"items":N}     one line each: the head,
//   ["routes/a","text"]                                            the items as they are committed,
//   ["routes/b","text","served"]                                   one of which is invalid, and serves in an older form,
//   {"sha256":…}                                                   and the checksum of all lines before.
import { createHash, type Hash } from 'node:crypto'
import { mkdir, open, readFile, rename, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { SortedTexts } from '../base/sorted-texts.ts'
import { originOf } from './etcd-keys.ts'
import type { StoredConfig } from './commit-log.ts'
import type { CommitInfo } from './shared-store.ts'

export interface LastGoodCopy {
  readonly config: StoredConfig
  /** Texts of the items as they served. */
  readonly served: ReadonlyMap<string, string>
}

/** ms between two writes; what comes in between is written with the next. */
const INTERVAL = 1000
/** Characters that are put together and written before others have their turn. */
const SLICE = 256 * 1024
const NEWLINE = 10

export class LastGood {
  readonly file: string
  readonly #directory: string
  readonly #prefix: string
  readonly #warn: (message: string) => void
  #next: LastGoodCopy | null = null
  #writing: Promise<void> | null = null
  #timer: NodeJS.Timeout | null = null
  #hasFailed = false
  #closed = false

  constructor(directory: string, prefix: string, warn: (message: string) => void) {
    this.#directory = directory
    this.file = join(directory, 'last-good.jsonl')
    this.#prefix = prefix
    this.#warn = warn
  }

  /** null: there is none that could be used. */
  async read(): Promise<LastGoodCopy | null> {
    const bytes = await readFile(this.file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') this.#warn(`the local copy ${this.file} cannot be read: ${error.code}`)
      return null
    })
    if (bytes === null) return null
    const copy = parseCopy(bytes, this.#prefix)
    if (typeof copy !== 'string') return copy
    this.#warn(`the local copy ${this.file} is not used: ${copy}`)
    return null
  }

  /** Written soon. */
  keep(copy: LastGoodCopy): void {
    if (this.#closed) return
    this.#next = copy
    if (this.#writing === null && this.#timer === null) this.#writeNext()
  }

  /** All that was to be kept is on disk afterwards. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    await this.#writing
    if (this.#next !== null) this.#writeNext()
    await this.#writing
  }

  #writeNext(): void {
    const copy = this.#next!
    this.#next = null
    this.#writing = this.#write(copy).then(
      () => this.#written(null),
      (error: Error) => this.#written(error),
    )
  }

  #written(error: Error | null): void {
    this.#writing = null
    if (error !== null && !this.#hasFailed)
      this.#warn(`the local copy ${this.file} cannot be written: ${error.message}`)
    this.#hasFailed = error !== null
    if (this.#closed) return
    this.#timer = setTimeout(() => {
      this.#timer = null
      if (this.#next !== null) this.#writeNext()
    }, INTERVAL).unref()
  }

  async #write(copy: LastGoodCopy): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 })
    const temporary = `${this.file}.${process.pid}.tmp`
    const handle = await open(temporary, 'w', 0o600)
    try {
      await writeLines(handle, copy, this.#prefix)
      await handle.sync()
    } catch (error) {
      await rm(temporary, { force: true })
      throw error
    } finally {
      await handle.close()
    }
    await rename(temporary, this.file)
    const directory = await open(this.#directory, 'r')
    await directory.sync()
    await directory.close()
  }
}

async function writeLines(handle: FileHandle, { config, served }: LastGoodCopy, prefix: string): Promise<void> {
  const hash = createHash('sha256')
  const { cluster, commit, items } = config
  let lines = `${JSON.stringify({ format: 1, prefix, cluster, commit, items: items.size })}\n`
  for (const [key, text] of items) {
    const good = served.get(key)
    lines += `${JSON.stringify(good === text ? [key, text] : [key, text, good ?? null])}\n`
    if (lines.length >= SLICE) lines = await writeSlice(handle, hash, lines)
  }
  for (const [key, text] of served) if (!items.has(key)) lines += `${JSON.stringify([key, null, text])}\n`
  await writeSlice(handle, hash, lines)
  await handle.write(`${JSON.stringify({ sha256: hash.digest('hex') })}\n`)
}

async function writeSlice(handle: FileHandle, hash: Hash, lines: string): Promise<''> {
  hash.update(lines)
  await handle.write(lines)
  return ''
}

/** Says what is wrong with it, if it is. Nothing is served yet while it is read: it need not be quick. */
function parseCopy(bytes: Buffer, prefix: string): LastGoodCopy | string {
  const end = bytes.lastIndexOf(NEWLINE, bytes.length - 2) + 1
  const sum = parseLine(bytes.toString('utf8', end)) as { readonly sha256?: unknown } | null
  const hash = createHash('sha256').update(bytes.subarray(0, end)).digest('hex')
  if (sum?.sha256 !== hash) return 'it is damaged (the checksum does not fit)'
  const lines = bytes.toString('utf8', 0, end).split('\n')
  const head = parseLine(lines[0]!) as Head
  if (head.format !== 1) return 'another version of this gateway has written it'
  if (head.prefix !== prefix) return `it is of ${head.prefix}, not of ${prefix}`
  const items: [string, string][] = []
  const served: [string, string][] = []
  for (const line of lines.slice(1, -1)) {
    const [key, text, good] = JSON.parse(line) as readonly [string, string | null, (string | null)?]
    if (text !== null) items.push([key, text])
    const serves = good === undefined ? text : good
    if (serves !== null) served.push([key, serves])
  }
  const { cluster, commit } = head
  const config = { origin: originOf(prefix), cluster, commit, items: SortedTexts.from(items) }
  return { config, served: SortedTexts.from(served) }
}

interface Head {
  readonly format: number
  readonly prefix: string
  readonly cluster: string
  readonly commit: CommitInfo
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}
