// The HTTP/1.1 probe through the gateway to an echo upstream, compared case by case with what is recorded here. A case
// that gets better fails too: then the record, and docs/security.md, are out of date.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { ENGINES, GatewayProcess, ROADS } from '../lab/gateway.ts'
import { echoWhole, startHttpUpstream } from '../lab/upstreams.ts'

const PROBE = new URL('../../../shared/conformance/http11probe.mjs', import.meta.url).pathname
const RECORD = new URL('conformance.json', import.meta.url)

/** The probe and its cases are not ours to keep here. A build must have them; somebody who tries things out need not. */
const ABSENT = existsSync(PROBE) || process.env['CI'] === 'true' ? false : `the probe is not there: ${PROBE}`

interface Row {
  readonly id: string
  readonly scored: boolean
  readonly verdict: string
}

type Record_ = Readonly<Record<string, { readonly pass: number; readonly fails: readonly string[] }>>

describe('conformance probe', () => {
  for (const road of ROADS) {
    it(`on ${road.name}`, { skip: ABSENT }, async (test) => {
      const upstream = await startHttpUpstream(test, echoWhole)
      const gateway = await GatewayProcess.start(
        test,
        `{ version: 1, listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${road.engine} }], upstreams: { up: { transport: ${road.transport}, endpoints: [{ url: '${upstream.url}' }] } }, routes: [{ name: all, upstream: up }] }`,
      )
      const { stdout } = await promisify(execFile)(
        process.execPath,
        [PROBE, '127.0.0.1', String(gateway.port('main')), '--json'],
        {
          maxBuffer: 64 * 1024 * 1024,
        },
      )
      const rows = (JSON.parse(stdout.slice(0, stdout.lastIndexOf(']') + 1)) as Row[]).filter(({ scored }) => scored)
      const fails = rows.filter(({ verdict }) => verdict === 'fail').map(({ id }) => id)
      const recorded = (JSON.parse(await readFile(RECORD, 'utf8')) as Record_)[road.engine]!
      assert.deepEqual(fails.toSorted(), recorded.fails)
      assert.equal(rows.filter(({ verdict }) => verdict === 'pass').length, recorded.pass)
      assert.ok(gateway.running)
    })
  }

  it('every failing case of the category Smuggling is explained in docs/security.md', async () => {
    const page = await readFile(new URL('../../docs/security.md', import.meta.url), 'utf8')
    const record = JSON.parse(await readFile(RECORD, 'utf8')) as Record_
    for (const id of ENGINES.flatMap((engine) => record[engine]!.fails)) {
      if (id.startsWith('SMUG-')) assert.ok(page.includes(id), id)
    }
  })
})
