// What docker-compose.yml puts together, without containers: its gateway's configuration with a real Redis, a real etcd and
// the demo upstream, entered into the registry as the file says.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { composeConfiguration, TOKEN } from '../lab/compose-gateway.ts'
import { readCompose } from '../lab/compose.ts'
import { EtcdServer } from '../lab/etcd.ts'
import { GatewayProcess } from '../lab/gateway.ts'
import { until } from '../lab/poll.ts'
import { RawClient } from '../lab/raw-client.ts'
import { RedisServer } from '../lab/redis.ts'
import { refusingPort } from '../lab/upstreams.ts'

const { services } = await readCompose()

/** The demo service: its command, on a copy of the folder that is mounted, where no package.json is near. */
async function startDemo(test: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-demo-'))
  await cp(new URL('../../scripts', import.meta.url), join(folder, 'scripts'), { recursive: true })
  const port = await refusingPort()
  const [, ...argv] = services['demo']!.command!.map((word) => word.replace('/scripts/', `${folder}/scripts/`))
  const child = spawn(process.execPath, argv, { env: { PORT: String(port) }, stdio: 'inherit' })
  const kill = (): void => void child.kill('SIGKILL')
  process.once('exit', kill)
  test.after(async () => {
    process.off('exit', kill)
    kill()
    await rm(folder, { recursive: true })
  })
  const url = `http://127.0.0.1:${port}`
  const answers = (): Promise<boolean> =>
    fetch(`${url}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    )
  await until(answers, 'the demo upstream')
  return url
}

describe('the gateway of docker-compose.yml', () => {
  it('routes to the demo upstream by name and through etcd, and limits through Redis', async (test) => {
    const [demo, etcd, redis] = await Promise.all([startDemo(test), EtcdServer.start(test), RedisServer.start(test)])
    const [verb = '', key = '', value = ''] = services['registration']!.command!.slice(-3)
    assert.equal(verb, 'put')
    const base64 = (text: string): string => Buffer.from(text).toString('base64')
    await etcd.call('kv/put', { key: base64(key), value: base64(value.replace('http://demo:9000', demo)) })

    const text = (await composeConfiguration())
      .replaceAll('http://demo:9000', demo)
      .replaceAll('http://etcd:2379', etcd.url)
      .replaceAll('redis://redis:6379', redis.url)
      .replaceAll(/'(?:0\.0\.0\.0|127\.0\.0\.1):(?:8080|9901)'/g, "'127.0.0.1:0'")
    const gateway = await GatewayProcess.start(test, text, { env: { SLUICE_ADMIN_TOKEN: TOKEN } })
    const client = await RawClient.connect(test, gateway.port('public'))
    assert.match((await client.get('/registered/thing')).body.toString(), /"url": "\/thing"/)
    assert.equal((await client.get('/hello')).body.toString(), 'hello\n')
    assert.equal((await client.get('/broken')).status, 500)

    const first = await client.get('/api/thing')
    assert.match(first.body.toString(), /"upstream": "demo"[^]*"url": "\/thing"/)
    // The limit is 100 at once; more than that within a second or two are refused.
    let refused = 0
    for (let i = 0; i < 400 && refused === 0; i++) if ((await client.get('/api/thing')).status === 429) refused++
    assert.equal(refused, 1)

    const scrape = await fetch(`http://127.0.0.1:${gateway.port('admin')}/metrics`, {
      headers: { authorization: `Bearer ${TOKEN}` },
    })
    const metrics = await scrape.text()
    assert.match(metrics, /^sluice_ratelimit_redis_up 1$/m)
    assert.match(metrics, /^sluice_ratelimit_decisions_total\{name="api",decision="refused"\} [1-9]/m)
  })
})
