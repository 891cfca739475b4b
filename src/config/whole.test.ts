import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { concealedConfig } from './concealed.ts'
import { parseDocument } from './document.ts'
import { EditRefusal } from './edit.ts'
import { loadConfig } from './load.ts'
import { replaceText } from './whole.ts'

const ENV = { TOKEN: 'a-secret-of-some-length', HOST: 'a.example' }
const TEXT = `version: 1
listeners: [{ name: main, bind: '127.0.0.1:80' }]
admin: { bind: '127.0.0.1:1', token: "\${TOKEN}" } # from outside
drainTimeout: 60s
upstreams:
  u: { endpoints: [{ url: 'http://old:1' }, { url: 'http://b:1' }] }
routes:
  - name: a # the first
    match: { host: "\${HOST}", path: /a }
    upstream: u
  # of no use
  - { name: b, match: { path: /b }, respond: { headers: { authorization: 'Basic 4711' } } }
`

/** As the admin API shows it. */
function shown(text: string): Record<string, any> {
  const loaded = loadConfig(parseDocument(text, 'gateway.yaml', ENV), new Map())
  assert.ok(loaded.ok, JSON.stringify(loaded))
  return JSON.parse(JSON.stringify(concealedConfig(loaded.config.config, new Map()))) as Record<string, any>
}

describe('a configuration that is given whole', () => {
  const present = shown(TEXT)
  const replaced = (change: (config: Record<string, any>) => void): string => {
    const wanted = structuredClone(present)
    change(wanted)
    return replaceText(TEXT, wanted, present)
  }

  it('changes nothing when it is the one in force', () => {
    assert.equal(present['admin'].token, '***')
    assert.equal(
      replaced(() => {}),
      TEXT,
    )
  })

  it('changes what differs, and keeps variables, secrets and comments', () => {
    const after = replaced((config) => {
      config['drainTimeout'] = '1m'
      config['admin'].bind = '127.0.0.1:2'
      config['routes'][0].match.path = '/c'
      config['upstreams'].u.balance = 'p2c'
    })
    for (const kept of ['${TOKEN}', '${HOST}', '# from outside', '# the first', '# of no use', '4711'])
      assert.ok(after.includes(kept), kept)
    assert.match(after, /bind: '127\.0\.0\.1:2'/)
    assert.match(after, /path: \/c/)
    assert.equal(after.split('\n').length, TEXT.split('\n').length)
  })

  it('keeps the secrets of what has moved', () => {
    const after = replaced((config) => {
      config['routes'].reverse()
      config['upstreams'].u.endpoints.shift()
    })
    assert.ok(after.includes('Basic 4711') && after.includes('${HOST}') && !after.includes('http://old'))
    assert.deepEqual(
      shown(after)['routes'].map(({ name }: { name: string }) => name),
      ['b', 'a'],
    )
  })

  it('removes what is not said, unless it was not written', () => {
    const after = replaced((config) => {
      delete config['drainTimeout']
      delete config['routes'][0].priority
    })
    assert.equal(after, TEXT.replace('drainTimeout: 60s\n', ''))
  })

  it('does not take *** for what is not there', () => {
    const wrong: ((config: Record<string, any>) => void)[] = [
      (config) => (config['zone'] = '***'),
      (config) => config['routes'].push({ name: 'c', respond: { body: '***' } }),
      (config) => (config['upstreams'].w = { endpoints: [{ url: 'http://***@c:1' }] }),
      (config) => (config['routes'][0].match.headers = { authorization: '***' }),
    ]
    for (const change of wrong) assert.throws(() => replaced(change), EditRefusal)
  })

  it('does not guess which secret is meant', () => {
    const text =
      'keys:\n  - { key: old-key, consumer: a }\n  - { key: new-key, consumer: a }\n  - { key: k, consumer: b }\n'
    const alike = { key: '***', consumer: 'a' }
    const [b, c] = ['b', 'c'].map((consumer) => ({ key: '***', consumer }))
    const become = (...keys: unknown[]): string => replaceText(text, { keys }, { keys: [alike, alike, b] })
    assert.throws(() => become(alike, b), EditRefusal)
    assert.throws(() => become(b, alike), EditRefusal)
    assert.throws(() => become(alike, alike, b, c), EditRefusal)
    assert.throws(() => become(c), EditRefusal)
    assert.equal(become(alike, alike, c), text.replace('consumer: b', 'consumer: c'))
    assert.equal(become(alike, alike), text.replace(/.*consumer: b.*\n/, ''))
    assert.equal(become(b), text.replace(/.*consumer: a.*\n/g, ''))
  })
})
