// Changes of a file that is too large to be read between two requests: a thread does it, with the same outcome.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LARGE } from '../../src/config/large-document.ts'
import { FileControl, JSON_BODY, patch, ROUTE, TEXT } from '../lab/file-control.ts'

const MORE = Array.from(
  { length: 1000 },
  (_, i) => `  - { name: more-${i}, match: { path: /more/${i} }, respond: {} } # ${i}\n`,
)
const LARGE_TEXT = TEXT + MORE.join('')
const CONFIG = '/admin/v1/config'

describe('a large file', () => {
  it('is changed in one place, and nowhere else', async (test) => {
    assert.ok(LARGE_TEXT.length > LARGE)
    const control = await FileControl.start(test, LARGE_TEXT)
    assert.equal((await control.ask(ROUTE, patch({ upstream: 'canary' }))).status, 200)
    const patched = LARGE_TEXT.replace('upstream: users', 'upstream: canary')
    assert.equal(await control.onDisk(), patched)
    const headers = { ...JSON_BODY, 'if-match': '*' }
    const { text } = await control.ask(CONFIG)
    const same = await control.ask(CONFIG, { method: 'PUT', headers, body: text })
    assert.deepEqual([same.status, same.json['written']], [200, false])
    const { config } = JSON.parse(text) as { config: Record<string, any> }
    config['routes'].splice(500, 1)
    const fewer = await control.ask(CONFIG, { method: 'PUT', headers, body: JSON.stringify(config) })
    assert.deepEqual([fewer.status, fewer.json['changes'].length], [200, 1])
    assert.equal(await control.onDisk(), patched.replace(/.*name: more-498,.*\n/, ''))
    const { json } = await control.ask('/admin/v1/snapshots/3?diff=1')
    assert.deepEqual(
      json['changes'].map(({ key, kind }: Record<string, string>) => `${kind} ${key}`),
      ['changed routes/users', 'removed routes/more-498'],
    )
  })

  it('is refused as a small one is', async (test) => {
    const control = await FileControl.start(test, LARGE_TEXT)
    const put = async (type: string, body: string): Promise<number> => {
      const headers = { 'content-type': type, 'if-match': '*' }
      return (await control.ask(CONFIG, { method: 'PUT', headers, body })).status
    }
    assert.equal(await put('application/json', LARGE_TEXT), 422)
    assert.equal(await put('application/json', JSON.stringify({ version: 1, zone: '***' })), 409)
    assert.equal(await put('application/json', '['.repeat(LARGE + 1)), 422)
    assert.equal(await put('application/yaml', `${LARGE_TEXT}zone: '***'\n`), 409)
    assert.equal(await control.onDisk(), LARGE_TEXT)
  })
})
