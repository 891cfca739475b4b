// What a closed source leaves behind: nothing that keeps a process alive.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { a, DnsServer, SILENCE, zone } from '../../../test/lab/dns.ts'
import { EtcdServer } from '../../../test/lab/etcd.ts'
import { refusingPort } from '../../../test/lab/upstreams.ts'

/** Opens sources, closes them when they have told something or have failed, and prints what is still open a moment later. */
const SCRIPT = `
  const { DnsSource, EtcdSource, TimerWheel, options } = await load()
  const wheel = new TimerWheel()
  const sources = options.map((option) => new (option.name ? DnsSource : EtcdSource)(option, wheel))
  const keep = setInterval(() => {}, 1000)
  const done = sources.map((source, i) => new Promise((resolve) => {
    if (options[i].silent) return resolve()
    source.start(resolve)
    const look = setInterval(() => { if (source.error !== null) resolve() }, 5)
    source.stop = () => clearInterval(look)
  }))
  for (const [i, source] of sources.entries()) if (options[i].silent) source.start(() => {})
  await Promise.all(done)
  for (const source of sources) {
    source.stop?.()
    source.close()
  }
  clearInterval(keep)
  process.on('exit', () => console.log('ended by itself'))
`

describe('closed sources', () => {
  it('let the process end by itself, whatever they were doing', async (test) => {
    const dns = await DnsServer.start(test, ({ name }, ...rest) =>
      name === 'silent.example' ? SILENCE : zone(a('api.example', 1, '10.0.0.1'))({ name, type: 'A' }, ...rest),
    )
    const etcd = await EtcdServer.start(test)
    const away = `http://127.0.0.1:${await refusingPort()}`
    const question = { type: 'A', port: 80, scheme: 'http', servers: [dns.address], timeout: 600_000 }
    const options = [
      { ...question, name: 'api.example' },
      { ...question, name: 'gone.example' },
      { ...question, name: 'silent.example', silent: true },
      { hosts: [etcd.url], prefix: '/a/' },
      { hosts: [etcd.url], prefix: '/b/' },
      { hosts: [etcd.url], prefix: '/c/', silent: true },
      { hosts: [etcd.url], prefix: '/d/', credentials: { username: 'nobody', password: 'x' } },
      { hosts: [away], prefix: '/e/' },
      { hosts: [away, etcd.url], prefix: '/f/' },
    ]
    const load = `
      const load = async () => ({
        ...(await import('${new URL('dns-source.ts', import.meta.url).href}')),
        ...(await import('${new URL('etcd-source.ts', import.meta.url).href}')),
        ...(await import('${new URL('../../base/timer-wheel.ts', import.meta.url).href}')),
        options: ${JSON.stringify(options)},
      })`
    const child = spawn(process.execPath, ['--input-type=module', '-e', load + SCRIPT], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    test.after(() => void child.kill('SIGKILL'))
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
    const timer = setTimeout(() => child.kill('SIGKILL'), 30_000)
    await once(child, 'close')
    clearTimeout(timer)
    assert.equal(output, 'ended by itself\n')
  })
})
