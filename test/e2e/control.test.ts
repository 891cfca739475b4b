// Configuration that changes under load, signals, and the command line.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { ENGINES, GatewayProcess } from '../lab/gateway.ts'
import { RawClient } from '../lab/raw-client.ts'
import { startHttpUpstream } from '../lab/upstreams.ts'

const MAIN = new URL('../../src/cli/main.ts', import.meta.url).pathname

function reloaded(gateway: GatewayProcess, version: number): Promise<unknown> {
  return gateway.waitForLog(({ msg, version: seen }) => msg === 'configuration reloaded' && seen === version)
}

for (const engine of ENGINES) {
  describe(`reload on ${engine}`, () => {
    const configuration = (body: string, more = ''): string => `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${engine} }]
routes: [{ name: page, match: { path: /page }, respond: { body: '${body}' } }]
${more}`

    it('takes effect on open connections, and a mistake changes nothing', async (test) => {
      const gateway = await GatewayProcess.start(test, configuration('one'))
      const client = await RawClient.connect(test, gateway.port('main'))
      assert.equal((await client.get('/page')).body.toString(), 'one')
      await gateway.configure(configuration('two'))
      await reloaded(gateway, 2)
      assert.equal((await client.get('/page')).body.toString(), 'two')
      await gateway.configure(configuration('three', 'nonsense: 1'))
      const rejected = await gateway.waitForLog(({ msg }) => msg?.startsWith('configuration rejected') ?? false)
      assert.match((rejected['problems'] as string[])[0]!, /gateway\.yaml:4:1 nonsense: unknown key/)
      assert.equal((await client.get('/page')).body.toString(), 'two')
      await gateway.configure(configuration('four'))
      await reloaded(gateway, 3)
      assert.equal((await client.get('/page')).body.toString(), 'four')
    })

    it('loses and misroutes nothing under load, and keeps pools and client connections', async (test) => {
      const upstreams = await Promise.all(
        ['a', 'b'].map((name) => startHttpUpstream(test, (_, response) => void response.end(name))),
      )
      const [a, b] = upstreams
      const version = (n: number): string => `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${engine} }]
upstreams: { a: { endpoints: [{ url: '${a!.url}' }] }, b: { endpoints: [{ url: '${b!.url}' }] } }
routes:
  - { name: a, match: { path: /a/** }, upstream: a }
  - { name: b, match: { path: /b/** }, upstream: b }
  - { name: n, match: { path: /n }, respond: { body: '${n}' } }
`
      const gateway = await GatewayProcess.start(test, version(1))
      const load = { running: true }
      const clients = Array.from({ length: 8 }, async (_, i) => {
        const client = await RawClient.connect(test, gateway.port('main'))
        const name = i % 2 === 0 ? 'a' : 'b'
        let count = 0
        for (; load.running; count++) assert.equal((await client.get(`/${name}/${count}`)).body.toString(), name)
        return count
      })
      for (let n = 2; n <= 40; n++) {
        await gateway.configure(version(n))
        await reloaded(gateway, n)
      }
      load.running = false
      const counts = await Promise.all(clients)
      assert.ok(counts.every((count) => count > 0))
      assert.ok(a!.opened <= 8 && b!.opened <= 8, 'connections to upstreams that did not change stay open')
    })

    it('opens new listeners and closes old ones', async (test) => {
      const listeners = (...names: string[]): string => `version: 1
listeners: [${names.map((name) => `{ name: ${name}, bind: '127.0.0.1:0', engine: ${engine} }`).join(', ')}]
routes: [{ name: all, respond: { body: ok } }]
`
      const gateway = await GatewayProcess.start(test, listeners('first'))
      const old = await RawClient.connect(test, gateway.port('first'))
      assert.equal((await old.get('/')).status, 200)
      await gateway.configure(listeners('second'))
      await reloaded(gateway, 2)
      assert.equal((await (await RawClient.connect(test, gateway.port('second'))).get('/')).status, 200)
      await old.ended()
      await assert.rejects(RawClient.connect(test, gateway.port('first')))
    })
  })
}

describe('the file', () => {
  it('is followed through the link that Kubernetes swaps', async (test) => {
    const gateway = await GatewayProcess.start(test, 'unused', { files: {} }).catch(() => null)
    assert.equal(gateway, null, 'text is no configuration')
    const directory = await mkdtemp(join(tmpdir(), 'sluice-mount-'))
    test.after(() => rm(directory, { recursive: true, force: true }))
    const revision = async (name: string, body: string): Promise<void> => {
      await mkdir(join(directory, name))
      await writeFile(
        join(directory, name, 'gateway.yaml'),
        `{ version: 1, listeners: [{ name: main, bind: '127.0.0.1:0' }], routes: [{ name: all, respond: { body: ${body} } }] }`,
      )
      await symlink(name, join(directory, '..data.new'))
      await rename(join(directory, '..data.new'), join(directory, '..data'))
    }
    await revision('..1', 'one')
    await symlink('..data/gateway.yaml', join(directory, 'gateway.yaml'))
    const mounted = await GatewayProcess.start(test, '', { at: join(directory, 'gateway.yaml') })
    const client = await RawClient.connect(test, mounted.port('main'))
    assert.equal((await client.get('/')).body.toString(), 'one')
    await revision('..2', 'two')
    await reloaded(mounted, 2)
    assert.equal((await client.get('/')).body.toString(), 'two')
  })

  it('is read again on SIGHUP', async (test) => {
    const gateway = await GatewayProcess.start(
      test,
      `{ version: 1, listeners: [{ name: main, bind: '127.0.0.1:0' }], routes: [] }`,
    )
    gateway.signal('SIGHUP')
    await reloaded(gateway, 2)
  })
})

interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

function sluice(...argv: string[]): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, ...argv], (error, out, err) =>
      resolve({ code: error === null ? 0 : (error.code as number), out, err }),
    )
  })
}

describe('the command line', () => {
  const CONFIGURATION = `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0' }]
plugins: { request-id: {}, cors: { origins: ['*'] } }
paths: { /users/**: { cors: off, body-limit: { max: 1KiB } } }
upstreams: { up: { endpoints: [{ url: http://127.0.0.1:1 }] } }
routes:
  - { name: any, match: { path: /** }, respond: {} }
  - { name: user, match: { path: '/users/{id}', method: GET, headers: { x-env: gray } }, upstream: up, rewrite: { path: '/{id}' } }
`
  async function file(test: TestContext, text: string): Promise<string> {
    const directory = await mkdtemp(join(tmpdir(), 'sluice-cli-'))
    test.after(() => rm(directory, { recursive: true, force: true }))
    await writeFile(join(directory, 'g.yaml'), text)
    return join(directory, 'g.yaml')
  }

  it('check', async (test) => {
    const good = await file(test, CONFIGURATION)
    assert.deepEqual(await sluice('check', good), { code: 0, out: `${good}: ok (2 routes, 1 upstream)\n`, err: '' })
    const bad = await file(test, CONFIGURATION.replace('upstream: up', 'upstream: upp').replace('origins', 'origin'))
    const { code, err } = await sluice('check', bad)
    assert.equal(code, 1)
    assert.match(err, /g\.yaml:3:\d+ plugins\.cors: "origins" is missing/)
    assert.match(err, /g\.yaml:8:\d+ routes\[1\]\.upstream: there is no upstream "upp"; did you mean "up"\?/)
    const odd = await file(test, CONFIGURATION.replace('routes:', 'trustedProxies: [0.0.0.0/0]\nroutes:'))
    const warned = await sluice('check', odd)
    assert.equal(warned.code, 0)
    assert.match(warned.err, /g\.yaml:\d+:18 trustedProxies\[0\]: warning: 0\.0\.0\.0\/0 is everybody/)
    assert.equal((await sluice('check', odd, '--strict')).code, 1)
    assert.equal((await sluice('check', good, '--strict')).code, 0)
    assert.equal((await sluice('check', '/nowhere')).code, 1)
    const refused = await sluice(
      'check',
      await file(test, CONFIGURATION.replace("origins: ['*']", "origins: ['*'], credentials: true")),
    )
    assert.match(refused.err, /g\.yaml:3:\d+ plugins\.cors: .*name the origins/)
  })

  it('routes, in matching order', async (test) => {
    const { out } = await sluice('routes', '--config', await file(test, CONFIGURATION))
    assert.ok(out.indexOf('/users/{id}') < out.indexOf('/**'), out)
  })

  it('explain: who lost and why, parameters, plugins and where they came from', async (test) => {
    const config = await file(test, CONFIGURATION)
    const { code, out } = await sluice(
      'explain',
      '--config',
      config,
      'GET',
      'http://h/users/42?a',
      '-H',
      'x-env: gray',
      '--json',
    )
    assert.equal(code, 0)
    const account = JSON.parse(out) as Record<string, any>
    assert.equal(account['route'], 'user')
    assert.deepEqual(account['parameters'], { id: '42' })
    assert.deepEqual(
      account['candidates'].map(({ route, outcome }: { route: string; outcome: string }) => [route, outcome]),
      [
        ['user', 'won'],
        ['any', 'lost'],
      ],
    )
    const plugins = Object.fromEntries(account['plugins'].map((entry: { plugin: string }) => [entry.plugin, entry]))
    assert.equal(plugins['cors'].enabled, false)
    assert.match(plugins['cors'].from[0], /paths\.\/users\/\*\* \(.*:4:\d+\)/)
    assert.match(plugins['cors'].from[1], /^plugins /)
    assert.deepEqual(plugins['body-limit'].options, { max: 1024 })
    const text = await sluice('explain', '--config', config, 'GET', '/users/42')
    assert.match(text.out, /user: header, header x-env is absent, expected "gray"/)
    assert.match(text.out, /-> any: won/)
  })

  it('usage errors exit 2, help exits 0, version tells', async () => {
    for (const argv of [[], ['nope'], ['check'], ['run'], ['explain', 'GET'], ['routes', '--nope']]) {
      assert.equal((await sluice(...argv)).code, 2, argv.join(' '))
    }
    for (const verb of ['run', 'check', 'routes', 'explain', 'health', 'version']) {
      const { code, out } = await sluice(verb, '--help')
      assert.deepEqual([code, out.startsWith(`Usage: sluice ${verb}`)], [0, true])
    }
    const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string
    }
    assert.match((await sluice('version')).out, new RegExp(`^sluice ${version} `))
  })

  it('run: an invalid configuration and a busy address are clear errors', async (test) => {
    const bad = await sluice('run', '--config', await file(test, 'version: 2\n'))
    assert.equal(bad.code, 1)
    assert.match(bad.err, /:1:10 version: saw 2, expected 1/)
    for (const engine of ENGINES) {
      const running = await GatewayProcess.start(
        test,
        `{ version: 1, listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${engine} }], routes: [] }`,
      )
      const busy = await sluice(
        'run',
        '--config',
        await file(
          test,
          `{ version: 1, listeners: [{ name: x, bind: '127.0.0.1:${running.port('main')}', engine: ${engine} }], routes: [] }`,
        ),
      )
      assert.equal(busy.code, 1)
      assert.match(busy.err, /cannot listen on 127\.0\.0\.1:\d+/)
    }
  })
})
