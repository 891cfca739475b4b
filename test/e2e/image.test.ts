// A rehearsal of the container image without a container engine: the stages of the Dockerfile are laid out in directories,
// with packages from npm as it says, and the gateway runs from there.
import assert from 'node:assert/strict'
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { Container } from '../lab/image/container.ts'
import { CONTEXT, layOut, readRecipe } from '../lab/image/layout.ts'
import { GatewayProcess } from '../lab/gateway.ts'
import { until } from '../lab/poll.ts'
import { RawClient } from '../lab/raw-client.ts'
import { startHttpUpstream } from '../lab/upstreams.ts'

const directory = await mkdtemp(join(tmpdir(), 'sluice-image-'))
after(() => rm(directory, { recursive: true, force: true }))

describe('the image', () => {
  it('runs read-only as its user, is healthy, and drains when it is stopped', async (test) => {
    await chmod(directory, 0o755)
    const recipe = await readRecipe()
    const root = await layOut(recipe, directory)
    const held: (() => void)[] = []
    const upstream = await startHttpUpstream(test, (request, response) => {
      if (request.url === '/slow') held.push(() => void response.end('late'))
      else request.resume().on('end', () => response.end('soon'))
    })
    // What an operator mounts.
    await writeFile(
      join(root, 'etc/sluice/gateway.yaml'),
      `version: 1
listeners:
  - { name: fast, bind: '127.0.0.1:0' }
  - { name: strict, bind: '127.0.0.1:0', engine: node }
admin: { bind: '127.0.0.1:0' }
plugins: { request-id: {}, access-log: {} }
upstreams: { app: { endpoints: [{ url: '${upstream.url}' }] } }
routes: [{ name: app, upstream: app }]
`,
    )
    const container = new Container(recipe.stages.at(-1)!, root)
    await container.start(test)
    const health = { SLUICE_ADMIN: `http://127.0.0.1:${container.port('admin')}` }
    assert.equal(await container.probe(health), 0)
    if (container.isolated) {
      assert.equal(await container.status('Uid'), '65532\t65532\t65532\t65532')
      assert.match(await container.status('NSpid'), /\t1$/)
    } else test.diagnostic('not root, or no namespaces: as a plain process')

    for (const listener of ['fast', 'strict']) {
      const client = await RawClient.connect(test, container.port(listener))
      assert.equal((await client.get('/')).body.toString(), 'soon')
    }

    const waiting = await RawClient.connect(test, container.port('fast'))
    const reply = waiting.get('/slow')
    await until(() => held.length > 0, 'the slow request')
    container.stop()
    await container.logged('draining')
    assert.equal(await container.probe(health), 1, 'not ready while it drains')
    held[0]!()
    assert.equal((await reply).body.toString(), 'late')
    assert.equal(await container.ended(), 0)
    await container.logged('stopped')
  })

  it('holds no development packages, tests, types or maps', async () => {
    const root = join(directory, 'stage-1')
    const names = await readdir(join(root, 'app'), { recursive: true })
    assert.ok(names.length > 1000)
    const leftovers = names.filter((name) => /\.(?:map|d\.[cm]?ts)$|^(?:src|plugins)\/.*\.test\.ts$/.test(name))
    assert.deepEqual(leftovers, [])
    const manifest = JSON.parse(await readFile(join(CONTEXT, 'package.json'), 'utf8')) as {
      devDependencies: Record<string, string>
    }
    const installed = new Set(names)
    const surplus = Object.keys(manifest.devDependencies).filter((name) =>
      installed.has(`node_modules/${name}/package.json`),
    )
    assert.deepEqual(surplus, ['@types/node'], 'which protobufjs wants, and which is empty without its types')
  })

  it('answers with what to do when no configuration is mounted', async (test) => {
    const text = await readFile(join(CONTEXT, 'config/container.yaml'), 'utf8')
    const gateway = await GatewayProcess.start(test, text.replaceAll(/(0\.0\.0\.0|127\.0\.0\.1):\d+/g, '127.0.0.1:0'))
    const client = await RawClient.connect(test, gateway.port('public'))
    assert.match((await client.get('/')).body.toString(), /Mount your gateway\.yaml/)
  })
})
