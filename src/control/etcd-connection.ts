// The link to etcd of the control plane. Its certificates are files; when they are replaced, so is the link.
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile, realpath } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { createSecureContext } from 'node:tls'
import type { EtcdOptions } from '../base/etcd-client.ts'
import { openEtcd, type EtcdLink } from '../base/etcd-link.ts'
import type { EtcdSettings } from '../config/control-schema.ts'
import { DirectoryWatch } from './directory-watch.ts'

type Pems = NonNullable<EtcdOptions['tls']>

/** ms that a new certificate has to prove itself. */
const PROBE = 3000
/** ms after which an old link is closed: until then its last answers may come. */
const FAREWELL = 10_000

export class EtcdConnection {
  readonly hosts: readonly string[]
  readonly #settings: EtcdSettings
  readonly #directory: string
  readonly #warn: (message: string) => void
  readonly #watch: DirectoryWatch
  readonly #users = new Set<() => void>()
  readonly #leaving = new Map<EtcdLink, NodeJS.Timeout>()
  #pems: Pems | null = null
  #link: EtcdLink | null = null
  /** Newer certificates that etcd has not taken; it may yet. */
  #untried: Pems | null = null
  #checking: Promise<void> = Promise.resolve()
  #closed = false

  /** `directory`: what the names of certificates are relative to. */
  constructor(settings: EtcdSettings, directory: string, warn: (message: string) => void) {
    this.hosts = settings.hosts
    this.#settings = settings
    this.#directory = directory
    this.#warn = warn
    this.#watch = new DirectoryWatch(
      () => void this.check(),
      (error) => warn(`the certificates for etcd cannot be watched: ${error.message}`),
    )
  }

  /** Rejects when a certificate cannot be read or used. Connects when it is used first. */
  async open(): Promise<void> {
    if (this.#link !== null) return
    const pems = await this.#read()
    if (this.#closed) return
    if (pems !== null) checkPems(pems)
    this.#pems = pems
    this.#link = openEtcd(this.#optionsWith(pems))
    if (pems === null) return
    await this.#watchDirectories()
    this.#watch.schedule() // what changed between the read and the watch
  }

  get link(): EtcdLink {
    if (this.#link === null) throw new Error('the connection to etcd is not open')
    return this.#link
  }

  /** `replaced` is called when there is another link; the one before lives on for some seconds. Gives a function that ends this. */
  onReplaced(replaced: () => void): () => void {
    this.#users.add(replaced)
    return () => void this.#users.delete(replaced)
  }

  /** The link does not work. If there are certificates that have not been tried, they are now. */
  failed(): void {
    const untried = this.#untried
    if (untried === null || this.#closed) return
    this.#untried = this.#pems
    this.#replace(untried, openEtcd(this.#optionsWith(untried)))
  }

  /** Reads the certificates again; settles when what is new is in use, or refused. */
  check(): Promise<void> {
    this.#checking = this.#checking.then(() =>
      this.#check().catch((error: Error) => {
        if (!this.#closed) this.#warn(`new certificates for etcd cannot be used, the old ones stay: ${error.message}`)
      }),
    )
    return this.#checking
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#watch.close()
    this.#users.clear()
    for (const [link, timer] of this.#leaving) {
      clearTimeout(timer)
      link.close()
    }
    this.#link?.close()
  }

  async #check(): Promise<void> {
    if (this.#closed) return
    await this.#watchDirectories()
    const pems = (await this.#read())!
    if (areEqual(pems, this.#pems) || (this.#untried !== null && areEqual(pems, this.#untried))) return
    checkPems(pems)
    const link = openEtcd(this.#optionsWith(pems))
    try {
      await link.transact({ when: [], operations: [{ get: `${this.#settings.prefix}/commit` }] }, PROBE)
    } catch (error) {
      link.close()
      this.#untried = pems
      throw error
    }
    if (this.#closed) return link.close()
    this.#untried = null
    this.#replace(pems, link)
  }

  #replace(pems: Pems, link: EtcdLink): void {
    const before = this.#link!
    this.#pems = pems
    this.#link = link
    const close = (): void => {
      this.#leaving.delete(before)
      before.close()
    }
    this.#leaving.set(before, setTimeout(close, FAREWELL).unref())
    for (const replaced of this.#users) replaced()
  }

  async #read(): Promise<Pems | null> {
    const { tls } = this.#settings
    if (tls === undefined) return null
    const read = async (file: string | undefined): Promise<Buffer | undefined> =>
      file === undefined ? undefined : readFile(resolve(this.#directory, file)).catch(unreadable)
    const [ca, certificate, key] = await Promise.all([read(tls.ca), read(tls.cert), read(tls.key)])
    return { ...(ca && { ca }), ...(certificate && { certificate }), ...(key && { key }) }
  }

  /** The directories that name the files, and those that hold them when the names are links. */
  async #watchDirectories(): Promise<void> {
    const { ca, cert, key } = this.#settings.tls ?? {}
    const files = [ca, cert, key].filter((file) => file !== undefined).map((file) => resolve(this.#directory, file))
    const real = await Promise.all(files.map((file) => realpath(file).catch(() => file)))
    if (!this.#closed) this.#watch.set([...files, ...real].map((file) => dirname(file)))
  }

  #optionsWith(tls: Pems | null): EtcdOptions {
    return { hosts: this.hosts, credentials: this.#settings.auth ?? null, tls }
  }
}

function unreadable(error: NodeJS.ErrnoException): never {
  throw new Error(`certificate file ${error.path ?? ''} cannot be read: ${error.code ?? error.message}`)
}

/** Throws when they cannot be what they are said to be. What is expired may be taken by an etcd whose clock is wrong. */
function checkPems({ ca, certificate, key }: Pems): void {
  try {
    createSecureContext({ ...(ca && { ca }), ...(certificate && { cert: certificate }), ...(key && { key }) })
  } catch (error) {
    throw new Error(`the certificates for etcd are not usable: ${(error as Error).message}`, { cause: error })
  }
  if (certificate === undefined || key === undefined) return
  const isPair = new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))
  if (!isPair) throw new Error('the certificate for etcd and its private key do not belong together')
}

function areEqual(one: Pems, other: Pems | null): boolean {
  const parts = ['ca', 'certificate', 'key'] as const
  return other !== null && parts.every((part) => String(one[part]) === String(other[part]))
}
