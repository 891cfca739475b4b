import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { importFirst, loadUws } from './load.ts'

/** What the packages throw when their binary is missing or does not fit, word for word. */
const WRAPPED = 'This version of uWS.js supports only Node.js versions 22, 24 and 26 on (glibc) Linux.\n\n'
const OLD_GLIBC = `${WRAPPED}Error: /lib/libc.so.6: version \`GLIBC_2.38' not found (required by /srv/uws.node)`
const NO_BINARY = `${WRAPPED}Error: Cannot find module './uws_linux_riscv64_127.node'\nRequire stack:\n- /srv/uws.js`
const NOT_INSTALLED = `${WRAPPED}Error: Cannot find module '@uwsjs/linux-x64-22'\nRequire stack:\n- /srv/uws.js`
const NO_PACKAGE = "Cannot find package 'uWebSockets.js-next' imported from /srv/load.ts"

/** A module that tells which switches it was given. */
function fake(): { App: () => void; switches: string[]; _cfg(option: string): void } {
  const switches: string[] = []
  return { App: () => {}, switches, _cfg: (option) => void switches.push(option) }
}

function importer(modules: Record<string, unknown>): (name: string) => Promise<unknown> {
  return async (name) => {
    const found = modules[name]
    if (typeof found === 'string') throw new Error(found)
    return found
  }
}

describe('the uWebSockets.js loader', () => {
  it('prefers the newer one', async () => {
    const newer = fake()
    const uws = await importFirst(importer({ 'uWebSockets.js-next': newer, 'uWebSockets.js': fake() }))
    assert.equal(uws, newer)
  })

  it('takes the older one when the newer does not load', async () => {
    for (const reason of [OLD_GLIBC, NO_BINARY, NOT_INSTALLED, NO_PACKAGE]) {
      const older = fake()
      assert.equal(await importFirst(importer({ 'uWebSockets.js-next': reason, 'uWebSockets.js': older })), older)
    }
  })

  it('takes the older one when the newer loads and is something else', async () => {
    const older = fake()
    assert.equal(await importFirst(importer({ 'uWebSockets.js-next': {}, 'uWebSockets.js': older })), older)
  })

  it('takes the default export of an ES module', async () => {
    const inner = fake()
    assert.equal(await importFirst(importer({ 'uWebSockets.js-next': { default: inner, App: inner.App } })), inner)
  })

  it('switches the header of uWebSockets off', async () => {
    const module = fake()
    await importFirst(importer({ 'uWebSockets.js-next': module }))
    assert.deepEqual(module.switches, ['silent'])
  })

  it('sets the limit of the head before it loads, and leaves one that is set', async () => {
    const before = process.env['UWS_HTTP_MAX_HEADERS_SIZE']
    try {
      for (const [given, expected] of [
        [undefined, '16384'],
        ['8192', '8192'],
      ] as const) {
        delete process.env['UWS_HTTP_MAX_HEADERS_SIZE']
        if (given !== undefined) process.env['UWS_HTTP_MAX_HEADERS_SIZE'] = given
        let seen: string | undefined
        await importFirst(async () => {
          seen = process.env['UWS_HTTP_MAX_HEADERS_SIZE']
          return fake()
        })
        assert.equal(seen, expected)
      }
    } finally {
      delete process.env['UWS_HTTP_MAX_HEADERS_SIZE']
      if (before !== undefined) process.env['UWS_HTTP_MAX_HEADERS_SIZE'] = before
    }
  })

  it('says in one line what is missing when none loads', async () => {
    const cases = [
      [OLD_GLIBC, 'needs glibc 2.38 or newer'],
      [NO_BINARY, 'has no binary for it'],
      [NOT_INSTALLED, '@uwsjs/linux-x64-22 is not installed'],
      [NO_PACKAGE, 'uWebSockets.js-next is not installed'],
      ['Module did not self-register\nat somewhere', 'Module did not self-register'],
    ] as const
    for (const [thrown, words] of cases) {
      await assert.rejects(
        importFirst(importer({ 'uWebSockets.js-next': thrown, 'uWebSockets.js': NOT_INSTALLED })),
        ({ message }: Error) => {
          assert.ok(message.includes(`uWebSockets.js-next: ${words} | uWebSockets.js: @uwsjs/linux-x64-22 is`), message)
          assert.ok(message.includes(`${process.platform}-${process.arch} with Node ${process.versions.node}`), message)
          assert.ok(message.includes('set "engine: node"'), message)
          assert.ok(!message.includes('\n'), message)
          return true
        },
      )
    }
  })

  it('loads once', () => {
    const first = loadUws()
    assert.equal(loadUws(), first)
    return first.then(
      (uws) => assert.equal(typeof uws.App, 'function'),
      (error: Error) => assert.match(error.message, /^no uWebSockets.js binary loads on/),
    )
  })
})
