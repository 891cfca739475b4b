import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { copyFile, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { Authority } from '../../test/lab/certificates.ts'
import { EtcdServer } from '../../test/lab/etcd.ts'
import { PREFIX, StoreProbe, temporaryDirectory } from '../../test/lab/store-probe.ts'

const run = promisify(execFile)

interface Place {
  readonly directory: string
  readonly authority: Authority
  readonly etcd: EtcdServer
}

/** An etcd that wants client certificates. */
async function start(test: TestContext): Promise<Place> {
  const directory = await temporaryDirectory(test)
  const authority = await Authority.make(directory)
  const { cert, key } = await authority.sign('server')
  const files = ['--cert-file', cert, '--key-file', key, '--trusted-ca-file', authority.file]
  const etcd = await EtcdServer.start(test, { secure: true, more: [...files, '--client-cert-auth'] })
  return { directory, authority, etcd }
}

const TLS = { ca: 'ca.pem', cert: 'client.pem', key: 'client.key' }

function options({ directory, etcd }: Place, tls: object = TLS): ConstructorParameters<typeof StoreProbe>[1] {
  return { url: etcd.url, base: directory, patience: 10_000, settings: { hosts: [etcd.url], prefix: PREFIX, tls } }
}

/** Puts a pair into the place of another, as whoever renews certificates does. */
async function replace(directory: string, name: string, by: string): Promise<void> {
  for (const suffix of ['key', 'pem']) {
    await copyFile(join(directory, `${by}.${suffix}`), join(directory, 'new'))
    await rename(join(directory, 'new'), join(directory, `${name}.${suffix}`))
  }
}

describe('an etcd over TLS', () => {
  it('takes a client with a certificate, and none without', async (test) => {
    const place = await start(test)
    await place.authority.sign('client')
    const probe = await StoreProbe.start(test, options(place))
    const version = await probe.write({ 'routes/a': 'one' })
    await probe.untilVersion(version)
    for (const tls of [{ ca: 'ca.pem' }, { cert: 'client.pem', key: 'client.key' }]) {
      const other = new StoreProbe(test, { ...options(place, tls), patience: 1000 })
      await assert.rejects(other.store.start(), /etcd does not answer at https:/)
    }
  })

  it('is followed on with a new certificate, without a gap', async (test) => {
    const place = await start(test)
    await place.authority.sign('client')
    const probe = await StoreProbe.start(test, options(place))
    let version = await probe.write({ 'routes/a': '0' })
    for (let i = 1; i <= 3; i++) {
      await place.authority.sign(`renewed-${i}`)
      await replace(place.directory, 'client', `renewed-${i}`)
      const checking = probe.store.checkCertificates()
      version = await probe.write({ 'routes/a': String(i) }, version)
      await checking
      version = await probe.write({ 'routes/b': String(i) }, version)
    }
    await probe.untilVersion(version)
    assert.deepEqual(probe.items, { 'routes/a': '3', 'routes/b': '3' })
    const versions = probe.states.map(({ commit }) => commit.version)
    assert.deepEqual(
      versions,
      [...new Set(versions)].toSorted((a, b) => a - b),
    )
    assert.deepEqual([probe.away, probe.store.error], [[], null])
  })

  it('is found again when an expired certificate is replaced', async (test) => {
    const place = await start(test)
    await place.authority.sign('client', true)
    const probe = new StoreProbe(test, { ...options(place), patience: 15_000 })
    const started = probe.store.start()
    await probe.until(() => probe.away.length === 1, 'it to be refused')
    await place.authority.sign('renewed')
    await replace(place.directory, 'client', 'renewed')
    assert.equal((await started).from, 'etcd')
  })

  it('keeps the old certificate when the new one is bad, and says why', async (test) => {
    const place = await start(test)
    await place.authority.sign('client')
    const probe = await StoreProbe.start(test, options(place))
    const other = await Authority.make(place.directory, 'foreign')
    const good = await readFile(join(place.directory, 'client.pem'))
    await place.authority.sign('expired', true)
    await other.sign('stranger')
    const bad: [string, () => Promise<void>][] = [
      ['no longer', () => replace(place.directory, 'client', 'expired')],
      ['foreign', () => replace(place.directory, 'client', 'stranger')],
      ['not a pair', () => writeFile(join(place.directory, 'client.pem'), good)],
      ['no certificate', () => writeFile(join(place.directory, 'client.pem'), 'nothing')],
    ]
    for (const [what, make] of bad) {
      const before = probe.warnings.length
      await make()
      await probe.until(() => probe.warnings.length > before, `${what} to be told`)
      assert.match(probe.warnings.at(-1)!, /new certificates for etcd cannot be used, the old ones stay: /)
      const version = await probe.write({ 'routes/a': what })
      await probe.untilVersion(version)
    }
    assert.doesNotMatch(probe.warnings.join('\n'), /PRIVATE KEY/)
  })

  it('refuses to start with files that are not there or no certificates', async (test) => {
    const place = await start(test)
    const missing = new StoreProbe(test, options(place))
    await assert.rejects(missing.store.start(), /client\.(pem|key) cannot be read: ENOENT/)
    await place.authority.sign('client')
    await writeFile(join(place.directory, 'client.key'), 'nothing')
    const broken = new StoreProbe(test, options(place))
    await assert.rejects(broken.store.start(), /certificates for etcd are not usable/)
  })
})

describe('an etcd with users', () => {
  it('is read and written by one who may, also after it has started again; others are told what is missing', async (test) => {
    const etcd = await EtcdServer.start(test)
    const etcdctl = async (...words: string[]): Promise<void> => {
      await run('etcdctl', ['--endpoints', etcd.url, ...words], { env: { ...process.env, ETCDCTL_API: '3' } })
    }
    await etcdctl('user', 'add', 'root:root-secret')
    await etcdctl('user', 'grant-role', 'root', 'root')
    for (const [name, rights] of [
      ['writer', 'readwrite'],
      ['reader', 'read'],
    ] as const) {
      await etcdctl('role', 'add', name)
      await etcdctl('role', 'grant-permission', name, '--prefix=true', rights, `${PREFIX}/`)
      await etcdctl('user', 'add', `${name}:${name}-secret`)
      await etcdctl('user', 'grant-role', name, name)
    }
    await etcdctl('auth', 'enable')
    const as = (username: string, password: string): ConstructorParameters<typeof StoreProbe>[1] => ({
      url: etcd.url,
      settings: { hosts: [etcd.url], prefix: PREFIX, auth: { username, password } },
    })
    const probe = await StoreProbe.start(test, as('writer', 'writer-secret'))
    const version = await probe.write({ 'routes/a': 'one' })
    await probe.untilVersion(version)
    const reader = await StoreProbe.start(test, as('reader', 'reader-secret'))
    assert.deepEqual(reader.items, { 'routes/a': 'one' })
    await assert.rejects(reader.write({ 'routes/a': 'two' }), { kind: 'denied' })
    const stranger = new StoreProbe(test, { ...as('reader', 'wrong-secret'), patience: 1000 })
    await assert.rejects(stranger.store.start(), (error: Error) => {
      assert.match(error.message, /does not accept the user name and password/)
      assert.doesNotMatch(error.message, /wrong-secret/)
      return true
    })
    const elsewhere = { hosts: [etcd.url], prefix: '/other', auth: { username: 'reader', password: 'reader-secret' } }
    const lost = new StoreProbe(test, { url: etcd.url, settings: elsewhere, patience: 1000 })
    await assert.rejects(lost.store.start(), /etcd denies permission/)
    await etcd.kill()
    await probe.until(() => probe.away.length === 1, 'it to be missed')
    await etcd.run()
    await probe.until(() => probe.backs === 1, 'it to be back')
    const next = await probe.write({ 'routes/a': 'three' })
    await probe.untilVersion(next)
    await reader.untilVersion(next)
  })
})
