// Logs when all is well, and when the place where they go is not: no request fails, and every line is accounted for.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { ENGINES, GatewayProcess, type GatewayOptions } from '../lab/gateway.ts'
import { RawClient } from '../lab/raw-client.ts'
import { until } from '../lab/poll.ts'

type Line = Record<string, unknown>

const ROUTES = `routes:
  - { name: fine, match: { path: /fine/** }, respond: {} }
  - { name: other, match: { path: /other/** }, respond: {} }
  - { name: bad, match: { path: /bad }, respond: { status: 503 } }
`

interface Laboratory {
  readonly gateway: GatewayProcess
  readonly client: RawClient
  readonly directory: string
  /** `count` requests one after the other; each must be answered with 200. */
  readonly ask: (count: number) => Promise<void>
  /** sluice_log_entries_total of one result, by level. */
  readonly counted: (result: string) => Promise<Record<string, number>>
}

async function laboratory(
  test: TestContext,
  configuration: (directory: string) => string,
  { engine = 'uws', ...options }: GatewayOptions & { engine?: string } = {},
): Promise<Laboratory> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-logs-'))
  test.after(() => rm(directory, { recursive: true, force: true }))
  const gateway = await GatewayProcess.start(
    test,
    `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${engine} }]
admin: { bind: '127.0.0.1:0' }
${configuration(directory)}
${ROUTES}`,
    options,
  )
  const client = await RawClient.connect(test, gateway.port('main'))
  const admin = await RawClient.connect(test, gateway.port('admin'))
  let next = 0
  return {
    gateway,
    client,
    directory,
    async ask(count) {
      for (const end = next + count; next < end;) {
        const before = next
        for (; next < end && next < before + 50; next++) client.send(`GET /fine/${next} HTTP/1.1\r\nHost: h\r\n\r\n`)
        for (let i = before; i < next; i++) assert.equal((await client.response()).status, 200)
      }
    },
    async counted(result) {
      const text = (await admin.get('/metrics')).body.toString()
      const found = text.matchAll(/^sluice_log_entries_total\{level="(\w+)",result="([\w-]+)"\} (\d+)$/gm)
      return Object.fromEntries([...found].filter((each) => each[2] === result).map(([, level, , n]) => [level!, +n!]))
    },
  }
}

async function linesOf(file: string): Promise<Line[]> {
  const text = await readFile(file, 'utf8')
  assert.ok(text === '' || text.endsWith('\n'), 'the last line is whole')
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line)
}

/** Numbers of the requests that are in the log, in its order. */
function numbers(lines: readonly Line[]): number[] {
  return lines.filter(({ type }) => type === 'access').map(({ path }) => Number((path as string).slice(6)))
}

function upTo(end: number, start = 0): number[] {
  return Array.from({ length: end - start }, (_, i) => start + i)
}

describe('logs', () => {
  for (const engine of ENGINES) {
    it(`have one form, hide secrets, and lose nothing when the gateway ends (${engine})`, async (test) => {
      const plugins = `plugins: { access-log: { query: true, headers: [authorization, Cookie, user-agent] } }`
      const { gateway, client, ask } = await laboratory(test, () => plugins, { engine })
      const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
      await client.get(
        '/bad?a=1&access_token=S3CRET&b=2&%74oken=S3CRET',
        `traceparent: 00-${trace}-00f067aa0ba902b7-01\r\nAuthorization: Bearer S3CRET\r\nCookie: S3CRET\r\nUser-Agent: u\r\n`,
      )
      await client.get('/nowhere', `traceparent: 00-${'0'.repeat(32)}-00f067aa0ba902b7-01\r\n`)
      await ask(700)
      assert.equal(await gateway.stop(), 0)
      await until(() => gateway.logs.some(({ msg }) => msg === 'stopped'), 'the last line')
      for (const line of gateway.logs) {
        assert.match(line['timestamp'] as string, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
        assert.ok(['info', 'warn', 'error'].includes(line['level'] as string))
        assert.equal(line['service'], 'sluice')
      }
      assert.ok(!JSON.stringify(gateway.logs).includes('S3CRET'))
      const [bad, nowhere, ...fine] = gateway.logs.filter(({ type }) => type === 'access')
      assert.deepEqual(
        [bad!['level'], bad!['trace_id'], bad!['span_id'], bad!['path'], bad!['headers'], bad!['sampled']],
        [
          'error',
          trace,
          '00f067aa0ba902b7',
          '/bad?a=1&access_token=***&b=2&%74oken=***',
          { authorization: '***', Cookie: '***', 'user-agent': 'u' },
          1,
        ],
      )
      assert.deepEqual([nowhere!['level'], nowhere!['trace_id']], ['warn', undefined])
      assert.deepEqual(numbers(fine), upTo(700))
    })
  }

  it('are sampled by level, by route and by rate; what failed is always there', async (test) => {
    const { gateway, client, ask, counted } = await laboratory(
      test,
      () => `observability: { logs: { sampling: { rate: 1000000/s, info: { share: 20% } } } }
plugins: { access-log: {} }
paths: { /other/**: { access-log: { sample: 1 } } }`,
    )
    await ask(500)
    for (let i = 0; i < 20; i++) await client.get('/other/x')
    for (let i = 0; i < 20; i++) await client.get('/bad')
    await gateway.waitForLog(({ route }) => route === 'bad')
    const left = (await counted('sampled-out'))['info']!
    await gateway.stop()
    await until(() => gateway.logs.some(({ msg }) => msg === 'stopped'), 'the last line')
    const of = (name: string) => gateway.logs.filter(({ route }) => route === name)
    assert.deepEqual([of('other').length, of('bad').length, of('fine').length], [20, 20, 500 - left])
    assert.ok(left > 300 && left < 490, `${left}`)
    assert.ok(of('fine').every(({ sampled }) => sampled === 0.2) && of('other').every(({ sampled }) => sampled === 1))
  })

  it('follow the configuration: level, sampling and destination change with a reload', async (test) => {
    const { gateway, ask, directory } = await laboratory(test, () => '')
    const first = await readFile(gateway.file, 'utf8')
    const file = join(directory, 'deep/own.log')
    await gateway.configure(
      `${first}\nobservability: { logs: { destination: '${file}' } }\nplugins: { access-log: { destination: '${file}' } }`,
    )
    await until(async () => (await readFile(file, 'utf8').catch(() => '')).includes('reloaded'), 'the new log')
    await ask(10)
    await gateway.configure(`${first}\nobservability: { logs: { level: error } }\nplugins: { access-log: {} }`)
    await until(async () => {
      await ask(1)
      return gateway.logs.some(({ type }) => type === 'access')
    }, 'access lines on standard output')
    await gateway.configure(`${first}\nnonsense: 1`)
    await gateway.waitForLog(({ msg }) => msg?.startsWith('configuration rejected') ?? false)
    assert.deepEqual(numbers(await linesOf(file)).slice(0, 10), upTo(10))
    assert.equal((await stat(file)).mode & 0o007, 0, 'the file is not for everybody')
    assert.ok(!gateway.logs.some(({ msg }) => msg === 'configuration reloaded'))
  })

  it('are rotated: after SIGUSR1 the file of that name is another one, and no line is lost', async (test) => {
    const { gateway, ask, directory } = await laboratory(
      test,
      (at) => `plugins: { access-log: { destination: '${at}/access.log' } }`,
    )
    const file = join(directory, 'access.log')
    const lines: Line[] = []
    for (let turn = 0; turn < 3; turn++) {
      await ask(1000)
      await rename(file, `${file}.${turn}`).catch(() => {})
      const asking = ask(500)
      gateway.signal('SIGUSR1')
      await asking
      await until(async () => {
        await ask(1)
        return (await stat(file).catch(() => null)) !== null
      }, 'the new file')
    }
    await gateway.stop()
    for (const name of ['.0', '.1', '.2', '']) lines.push(...(await linesOf(file + name)))
    const seen = numbers(lines)
    assert.ok(seen.length >= 4500)
    assert.deepEqual(seen, upTo(seen.length))
  })
})

describe('logs that nobody takes', () => {
  const SMALL = `observability: { logs: { entries: 1024 } }
plugins: { access-log: {} }`

  it('a reader that stops reading: requests go on, then it gets the rest, in order, and the number of what is missing', async (test) => {
    const { gateway, ask, counted } = await laboratory(test, () => SMALL)
    gateway.stopReading()
    const asked = 6000
    await ask(asked)
    const dropped = (await counted('dropped'))['info']!
    assert.ok(dropped > 1000, `${dropped}`)
    gateway.goOnReading()
    const notice = await gateway.waitForLog(({ msg }) => msg === 'log entries were lost')
    assert.equal((notice['dropped'] as Record<string, number>)['info'], dropped)
    await gateway.stop()
    await until(() => gateway.logs.some(({ msg }) => msg === 'stopped'), 'the last line')
    const seen = numbers(gateway.logs)
    assert.equal(seen.length, asked - dropped)
    assert.deepEqual(
      seen,
      seen.toSorted((a, b) => a - b),
    )
  })

  for (const engine of ENGINES) {
    it(`a reader that is gone: requests go on, what is lost is counted, and the gateway ends (${engine})`, async (test) => {
      const { gateway, ask, counted } = await laboratory(test, () => SMALL, { engine })
      gateway.closeOutput()
      await ask(3000)
      const dropped = (await counted('dropped'))['info']!
      assert.ok(dropped > 1500 && dropped < 3000, `${dropped}`)
      await ask(100)
      assert.equal((await counted('dropped'))['info'], dropped + 100)
      assert.equal(await gateway.stop(), 0)
    })
  }

  it('a full disk: requests go on, the log of the gateway says so, what is lost is counted', async (test) => {
    const { gateway, ask, counted } = await laboratory(
      test,
      () => `observability: { logs: { entries: 1024 } }
plugins: { access-log: { destination: /dev/full } }`,
    )
    await ask(3000)
    const trouble = await gateway.waitForLog(({ destination }) => destination === '/dev/full')
    assert.equal((trouble['err'] as { code: string }).code, 'ENOSPC')
    const dropped = (await counted('dropped'))['info']!
    assert.ok(dropped > 50 && dropped < 3000, `${dropped}`)
    assert.equal(await gateway.stop(), 0)
  })

  it('a place that cannot be had, until it can: the lines of the meantime are there', async (test) => {
    const { gateway, ask, directory } = await laboratory(
      test,
      (at) => `plugins: { access-log: { destination: '${at}/pipe' } }`,
    )
    const pipe = join(directory, 'pipe')
    await promisify(execFile)('mkfifo', [pipe])
    await ask(600)
    await gateway.waitForLog(({ destination }) => destination === pipe)
    const reading = readFile(pipe, 'utf8')
    gateway.signal('SIGUSR1')
    await ask(100)
    assert.equal(await gateway.stop(), 0)
    const seen = numbers(
      (await reading)
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Line),
    )
    assert.deepEqual(seen, upTo(700))
  })
})
