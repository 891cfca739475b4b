// Plugin files that come, change, break and go while the gateway serves: the newest version that works serves, no request
// fails, and of older versions nothing is left.
import assert from 'node:assert/strict'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { ENGINES, GatewayProcess, type Engine, type LogLine } from '../lab/gateway.ts'
import { RawClient } from '../lab/raw-client.ts'

/** Answers with its version, what lives of all versions, and which versions' timers tick. */
function versioned(version: string, { schema = 'Type.Object({})', start = '', stop = '' } = {}): string {
  return `import { definePlugin, NEXT, Type } from 'sluice/plugin'
const state: { live: Set<string>; ticks: Set<string> } = ((globalThis as any).state ??= { live: new Set(), ticks: new Set() })
export default definePlugin({
  name: 'version',
  schema: ${schema},
  compile(_, host) {
    return {
      start(signal) {
        ${start}
        state.live.add('${version}')
        host.every(5, () => state.ticks.add('${version}'))
        signal.addEventListener('abort', () => state.ticks.delete('${version}'))
      },
      access: (x) => {
        if (x.path === '/state') return x.respond(200, [], JSON.stringify({ live: [...state.live], ticks: [...state.ticks] }))
        return x.path === '/version' ? x.respond(200, [], '${version}') : NEXT
      },
      async stop() {
        state.live.delete('${version}')
        ${stop}
      },
    }
  },
})
`
}

async function laboratory(test: TestContext, engine: Engine, files: Record<string, string>, plugins = 'version: {}') {
  const gateway = await GatewayProcess.start(
    test,
    `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${engine} }]
pluginDirectories: [./my-plugins]
plugins: { ${plugins} }
routes: [{ name: all, respond: { body: hello } }]
`,
    { files },
  )
  return { gateway, client: await RawClient.connect(test, gateway.port('main')) }
}

async function replace(gateway: GatewayProcess, path: string, text: string): Promise<void> {
  const file = join(gateway.directory, path)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(`${file}.new`, text)
  await rename(`${file}.new`, file)
}

/** Asks until the answer is the wanted one. */
async function until(client: RawClient, target: string, wanted: (body: string) => boolean): Promise<string> {
  const end = performance.now() + 15_000
  for (;;) {
    const response = await client.get(target)
    assert.equal(response.status, 200)
    const body = response.body.toString()
    if (wanted(body)) return body
    assert.ok(performance.now() < end, `${target} still says ${body}`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const rejected = ({ msg }: LogLine): boolean => msg?.startsWith('configuration rejected') ?? false

for (const engine of ENGINES) {
  describe(`plugin files on ${engine}`, () => {
    it('are swapped under load, and nothing of the old versions is left', async (test) => {
      const { gateway, client } = await laboratory(test, engine, { 'my-plugins/version.ts': versioned('v0') })
      const load = { running: true }
      const clients = Array.from({ length: 8 }, async () => {
        const each = await RawClient.connect(test, gateway.port('main'))
        let count = 0
        for (; load.running; count++) assert.equal((await each.get('/')).status, 200)
        return count
      })
      for (let i = 1; i <= 20; i++) {
        await replace(gateway, 'my-plugins/version.ts', versioned(`v${i}`))
        await until(client, '/version', (body) => body === `v${i}`)
      }
      load.running = false
      assert.ok((await Promise.all(clients)).every((count) => count > 0))
      await until(client, '/state', (body) => body === '{"live":["v20"],"ticks":["v20"]}')
    })

    it('keep their last good version when they break', async (test) => {
      const { gateway, client } = await laboratory(test, engine, { 'my-plugins/version.ts': versioned('good') })
      const broken: readonly [text: string, problem: RegExp][] = [
        ['export default {{', /cannot be loaded/],
        ['export const nothing = 1', /must .{1,2}export default definePlugin/],
        [versioned('strict', { schema: 'Type.Object({ needed: Type.String() })' }), /needed/],
        [versioned('fails', { start: "throw new Error('cannot start')" }), /cannot start/],
      ]
      for (const [text, problem] of broken) {
        await replace(gateway, 'my-plugins/version.ts', text)
        await gateway.waitForLog((line) => problem.test(JSON.stringify(line['problems'] ?? line['problem'] ?? '')))
        assert.equal((await client.get('/version')).body.toString(), 'good')
      }
      await replace(gateway, 'my-plugins/version.ts', versioned('better'))
      await until(client, '/version', (body) => body === 'better')
      await until(client, '/state', (body) => body === '{"live":["better"],"ticks":["better"]}')
    })

    it('do not stand in the way of another change while they are broken', async (test) => {
      const { gateway, client } = await laboratory(test, engine, { 'my-plugins/version.ts': versioned('good') })
      const strict = versioned('strict', { schema: 'Type.Object({ needed: Type.String() })' })
      await replace(gateway, 'my-plugins/version.ts', strict)
      await gateway.waitForLog(rejected)
      await gateway.configure(`version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${engine} }]
pluginDirectories: [./my-plugins]
plugins: { version: {} }
routes: [{ name: all, respond: { body: changed } }]
`)
      await until(client, '/', (body) => body === 'changed')
      assert.equal((await client.get('/version')).body.toString(), 'good')
    })

    it('come and go', async (test) => {
      const { gateway, client } = await laboratory(test, engine, { 'my-plugins/version.ts': versioned('v1') })
      const with_ = (plugins: string): string => `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${engine} }]
pluginDirectories: [./my-plugins]
plugins: { ${plugins} }
routes: [{ name: all, respond: { body: '${plugins}' } }]
`
      const helper = (word: string): string => `export const word: string = '${word}'\n`
      await replace(gateway, 'my-plugins/more/word.ts', helper('one'))
      await replace(
        gateway,
        'my-plugins/more/plugin.ts',
        `import { definePlugin, Type } from 'sluice/plugin'
import { word } from './word.ts'
export default definePlugin({
  name: 'more',
  schema: Type.Object({}),
  phase: 'access',
  compile: () => (x) => x.respond(200, [], word),
})
`,
      )
      await gateway.configure(with_('more: {}'))
      await until(client, '/', (body) => body === 'one')
      // A file beside it belongs to the plugin.
      await replace(gateway, 'my-plugins/more/word.ts', helper('two'))
      await until(client, '/', (body) => body === 'two')
      await gateway.configure(with_('version: {}'))
      await until(client, '/version', (body) => body === 'v1')
      await rm(join(gateway.directory, 'my-plugins/more'), { recursive: true })
      await gateway.configure(with_('version: {}, more: {}'))
      const line = await gateway.waitForLog(rejected)
      assert.match(JSON.stringify(line['problems']), /there is no plugin \\"more\\"/)
      assert.equal((await client.get('/version')).body.toString(), 'v1')
    })

    it('that leave something behind are reported by name', async (test) => {
      const leaving = versioned('leaving', { stop: "throw new Error('no stop')" }).replace(
        'host.every',
        "host.own('a door', null, () => new Promise(() => {})); host.every",
      )
      const { gateway, client } = await laboratory(test, engine, { 'my-plugins/version.ts': leaving })
      await replace(gateway, 'my-plugins/version.ts', leaving.replace("throw new Error('no stop')", ''))
      await gateway.waitForLog((line) => line.msg === 'plugin failed to stop' && line['plugin'] === 'version')
      await replace(gateway, 'my-plugins/version.ts', versioned('tidy'))
      await until(client, '/version', (body) => body === 'tidy')
      const line = await gateway.waitForLog(({ msg }) => msg === 'plugin left something behind')
      assert.deepEqual(line['left'], ['a door'])
    })
  })
}

describe('the order of plugins', () => {
  it('is declared, and the configuration may change it', async (test) => {
    const letter = (name: string, order: number): string => `import { definePlugin, NEXT, Type } from 'sluice/plugin'
export default definePlugin({
  name: '${name}',
  order: ${order},
  schema: Type.Object({}),
  compile: () => ({ access: (x) => (x.addResponseHeader('x-order', '${name}'), NEXT) }),
})
`
    const files = { 'my-plugins/aa.ts': letter('aa', 510), 'my-plugins/bb.ts': letter('bb', 520) }
    const { gateway, client } = await laboratory(test, 'uws', files, 'aa: {}, bb: {}')
    const order = async (): Promise<string[]> => {
      const { headers } = await client.get('/')
      return headers.filter((_, i) => headers[i - 1] === 'x-order')
    }
    assert.deepEqual(await order(), ['aa', 'bb'])
    await gateway.configure(`version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: uws }]
pluginDirectories: [./my-plugins]
pluginOrder: { bb: 505 }
plugins: { aa: {}, bb: {} }
routes: [{ name: all, respond: { body: changed } }]
`)
    await until(client, '/', (body) => body === 'changed')
    assert.deepEqual(await order(), ['bb', 'aa'])
  })
})
