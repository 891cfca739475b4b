// Changes over the admin API of a whole gateway, written through to its file.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { AdminClient, type AdminRefusal } from '../../src/cli/admin-client.ts'
import { GatewayProcess } from '../lab/gateway.ts'

const TEXT = `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0' }] # one
admin: { bind: '127.0.0.1:0' }
routes: [{ name: own, match: { path: /own }, respond: {} }]
`
const YAML = { 'content-type': 'application/yaml', 'if-match': '*' }
const JSON_BODY = { 'content-type': 'application/json', 'if-match': '*' }

async function start(test: TestContext, text: string) {
  const gateway = await GatewayProcess.start(test, text)
  return { gateway, admin: new AdminClient(`http://127.0.0.1:${gateway.port('admin')}`, '') }
}

describe('a change that is written through', () => {
  it('gives the file its text back when an address cannot be had', async (test) => {
    const busy = createServer().listen(0, '127.0.0.1')
    test.after(() => busy.close())
    await new Promise((resolve) => busy.once('listening', resolve))
    const { port } = busy.address() as AddressInfo
    const { gateway, admin } = await start(test, TEXT)
    for (const body of [
      TEXT.replace(' }] # one', ` }, { name: more, bind: '127.0.0.1:${port}' }] # two`),
      TEXT.replace(`admin: { bind: '127.0.0.1:0'`, `admin: { bind: '127.0.0.1:${port}'`),
    ]) {
      await assert.rejects(
        admin.ask('/admin/v1/config', { method: 'PUT', headers: YAML, body }),
        (error: AdminRefusal) => error.status === 409 && error.message.includes(`cannot listen on 127.0.0.1:${port}`),
      )
      assert.equal(await readFile(gateway.file, 'utf8'), TEXT)
    }
    // The text that is there again is no news.
    gateway.signal('SIGHUP')
    await gateway.waitForLog(({ msg, why }) => msg === 'configuration reloaded' && why === 'asked')
    const { value } = await admin.ask('/admin/v1/routes/own', {
      method: 'PATCH',
      headers: { ...JSON_BODY, 'sluice-author': 'ann' },
      body: '{"priority":1}',
    })
    assert.equal((value as { readonly version: unknown }).version, 3)
  })
})
