// Keys from a file, read again when it changes. It is looked at by path once in a while: so editors that rename and
// links that lead elsewhere, as Kubernetes makes them, need no care, and nothing is left to close.
import { readFile, stat } from 'node:fs/promises'
import type { Algorithm } from '../contract/auth.ts'
import type { PluginLogger } from '../contract/host.ts'
import type { Key } from './key.ts'
import { KeySet, type Keys } from './key-set.ts'

const MAX_BYTES = 1_048_576

export class FileKeys implements Keys {
  readonly #file: string
  readonly #parse: (text: string) => readonly Key[]
  readonly #log: PluginLogger
  readonly #set = new KeySet()
  /** Of the file that was read last. */
  #mark = ''

  constructor(file: string, parse: (text: string) => readonly Key[], log: PluginLogger) {
    this.#file = file
    this.#parse = parse
    this.#log = log
  }

  get available(): boolean {
    return this.#set.available
  }

  get revision(): number {
    return this.#set.revision
  }

  candidates(algorithm: Algorithm, id: string): readonly Key[] {
    return this.#set.candidates(algorithm, id)
  }

  askAgain(): null {
    return null
  }

  async start(): Promise<void> {
    const mark = await this.#look()
    if (this.available) return
    await this.#read(mark).catch((error: Error) => {
      throw new TypeError(`keys: ${this.#file} cannot be used: ${error.message}`)
    })
  }

  /** Reads the file if it is not the one that was read last. What cannot be used leaves the last good keys. */
  async tick(): Promise<void> {
    const mark = await this.#look()
    if (mark === this.#mark) return
    try {
      if (await this.#read(mark)) this.#log.info({ file: this.#file }, 'the key file has changed')
    } catch (error) {
      this.#log.error(
        { file: this.#file, reason: (error as Error).message },
        'the key file cannot be used; the last good keys serve',
      )
    }
  }

  async #read(mark: string): Promise<boolean> {
    this.#mark = mark // also of a file that cannot be used: it is reported once
    if ((await stat(this.#file)).size > MAX_BYTES) throw new TypeError(`it has more than ${MAX_BYTES} bytes`)
    const keys = this.#parse(await readFile(this.#file, 'utf8'))
    if (keys.length === 0) throw new TypeError('it has no key that could verify a token')
    return this.#set.replace(keys)
  }

  async #look(): Promise<string> {
    const found = await stat(this.#file, { bigint: true }).catch(() => null)
    return found === null ? 'missing' : `${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`
  }
}
