import assert from 'node:assert/strict'
import { existsSync, statSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { claimAddress, listenOn, realAddress } from './address-claim.ts'

async function listening(test: TestContext, address: Parameters<typeof listenOn>[1]): Promise<Server> {
  const server = createServer()
  await listenOn(server, address)
  test.after(() => server.close())
  return server
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port

async function directory(test: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'sluice-claim-'))
  test.after(() => rm(path, { recursive: true, force: true }))
  return path
}

describe('an address that is claimed', () => {
  for (const host of ['127.0.0.1', '::1', '0.0.0.0', '::']) {
    const bind = (port: number): string => `${host.includes(':') ? `[${host}]` : host}:${port}`

    it(`on ${host} is had alone, or shared by who may`, async (test) => {
      const port = portOf(await listening(test, { host, port: 0, reusePort: true }))
      await assert.rejects(claimAddress(bind(port), false), /^Error: the address is in use$/)
      const claim = await claimAddress(bind(port), true)
      assert.deepEqual(claim.address, { host, port })
      const second = await listening(test, { host, port, reusePort: true })
      claim.take()
      assert.equal(portOf(second), port)
    })

    it(`on ${host} has a port that nobody else gets until it is taken`, async (test) => {
      const claim = await claimAddress(bind(0), false)
      assert.ok('port' in claim.address && claim.address.port > 0)
      await assert.rejects(claimAddress(bind(claim.address.port), false), /in use/)
      await listening(test, { ...claim.address, reusePort: true })
      claim.take()
      claim.giveUp()
    })
  }

  it('is had by one of two who want it at the same moment', async (test) => {
    const other = await listening(test, { host: '127.0.0.1', port: 0 })
    const port = portOf(other)
    await new Promise((resolve) => other.close(resolve))
    const want = async (): Promise<string> => {
      try {
        const claim = await claimAddress(`127.0.0.1:${port}`, false)
        await listening(test, { host: '127.0.0.1', port, reusePort: true })
        claim.take()
        return 'had'
      } catch (error) {
        return (error as Error).message
      }
    }
    const wanted = await Promise.all([want(), want(), want()])
    assert.deepEqual(wanted.toSorted(), ['had', 'the address is in use', 'the address is in use'])
  })

  it('must be one of this machine', async () => {
    await assert.rejects(claimAddress('192.0.2.1:80', false), /EADDRNOTAVAIL/)
  })

  it('has the port that it became in its name', () => {
    assert.equal(realAddress('[::1]:0', 80), '[::1]:80')
    assert.equal(realAddress('unix:/a:0', 80), 'unix:/a:0')
  })
})

describe('the path of a socket that is claimed', () => {
  it('is taken over without a moment in which nobody listens, and goes with the last', async (test) => {
    const path = join(await directory(test), 'socket')
    const first = await claimAddress(`unix:${path}`, false)
    assert.ok('path' in first.address && first.address.path !== path)
    await listening(test, { path: first.address.path })
    assert.ok(!existsSync(path))
    first.take()
    const { ino } = statSync(path)
    await assert.rejects(claimAddress(`unix:${path}`, false), /in use/)
    const second = await claimAddress(`unix:${path}`, true)
    assert.ok('path' in second.address)
    await listening(test, { path: second.address.path })
    second.take()
    assert.notEqual(statSync(path).ino, ino)
    first.giveUp()
    assert.ok(existsSync(path), 'it belongs to the second')
    second.giveUp()
    assert.ok(!existsSync(path))
    second.giveUp()
  })

  it('may be one that a killed process has left', async (test) => {
    const path = join(await directory(test), 'socket')
    const dead = await claimAddress(`unix:${path}`, false)
    assert.ok('path' in dead.address)
    const server = createServer()
    await listenOn(server, { path: dead.address.path })
    dead.take()
    await new Promise((resolve) => server.close(resolve))
    assert.ok(existsSync(path), 'the file stays')
    const next = await claimAddress(`unix:${path}`, false)
    next.giveUp()
  })

  it('is no other file', async (test) => {
    const path = join(await directory(test), 'notes')
    writeFileSync(path, 'precious')
    for (const shared of [false, true]) await assert.rejects(claimAddress(`unix:${path}`, shared), /no socket/)
  })

  it('leaves nothing behind when nobody listens in the end', async (test) => {
    const path = join(await directory(test), 'socket')
    const claim = await claimAddress(`unix:${path}`, false)
    assert.throws(() => claim.take(), /ENOENT/)
    claim.giveUp()
    assert.ok(!existsSync(path))
  })
})
