// What the documents show works: every complete configuration in them is valid, and the plugin does what it says.
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { formatProblem } from '../../src/config/problem.ts'
import { InvalidConfiguration, validate } from '../../src/control/publish.ts'
import { builtInPlugins } from '../../src/live-state.ts'
import { GatewayProcess } from '../lab/gateway.ts'
import { RawClient } from '../lab/raw-client.ts'

const ROOT = new URL('../../', import.meta.url)

function blocks(text: string, language: string): string[] {
  return [...text.matchAll(new RegExp('```' + language + '\\n([^]*?)```', 'g'))].map(([, block]) => block!)
}

/** A fragment becomes a configuration by adding the parts that it leaves out. */
function completed(fragment: string): string {
  const parts = [
    ['version:', 'version: 1'],
    ['listeners:', "listeners: [{ name: a, bind: '127.0.0.1:0' }]"],
    ['routes:', 'routes: [{ name: r, respond: {} }]'],
  ] as const
  const missing = parts
    .filter(([key]) => !fragment.split('\n').some((line) => line.startsWith(key)))
    .map(([, text]) => text)
  return [...missing, fragment].join('\n')
}

describe('documents', () => {
  it('show only configurations that are valid', async () => {
    const builtIn = await builtInPlugins()
    const pages = (await readdir(new URL('docs', ROOT), { recursive: true })).filter((name) => name.endsWith('.md'))
    let checked = 0
    for (const page of ['README.md', ...pages.map((name) => `docs/${name}`)]) {
      for (const block of blocks(await readFile(new URL(page, ROOT), 'utf8'), 'yaml')) {
        if (block.includes('pluginDirectories')) continue // played below, with its plugin
        checked++
        await validate(completed(block), page, builtIn, { env: { ETCD_PASSWORD: 'example' } }).catch(
          (error: unknown) => {
            assert.ok(error instanceof InvalidConfiguration)
            assert.fail(`${page}: ${error.problems.map(formatProblem).join('\n')}\n${block}`)
          },
        )
      }
    }
    assert.ok(checked >= 8)
  })

  it('show a plugin that works', async (test) => {
    const page = await readFile(new URL('docs/plugins/README.md', ROOT), 'utf8')
    const [plugin = ''] = blocks(page, 'ts')
    const [configuration = ''] = blocks(page, 'yaml')
    const gateway = await GatewayProcess.start(test, completed(configuration).replace('name: a,', 'name: main,'), {
      files: { 'my-plugins/tenant.ts': plugin },
    })
    const client = await RawClient.connect(test, gateway.port('main'))
    assert.equal((await client.get('/shop/x')).status, 403)
    assert.equal((await client.get('/shop/x', 'X-Tenant: acme\r\n')).status, 200)
    assert.equal((await client.get('/elsewhere')).status, 200)
  })
})
