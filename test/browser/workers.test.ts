// Several workers: the page shows each of them, and nothing of the kind where one process serves.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { WorkerStats } from '../../src/admin/stats-report.ts'
import { endpointReport, statsReport, upstreamReport } from '../lab/admin-reports.ts'
import { AdminStandIn } from '../lab/admin-stand-in.ts'
import { Browser, PHONE } from '../lab/browser.ts'

function worker(number: number, beat: number, more: Partial<WorkerStats> = {}): WorkerStats {
  return {
    number,
    pid: 4710 + number,
    state: 'ready',
    restarts: 0,
    stale: false,
    version: 7,
    requests: beat * 50,
    inFlight: 3,
    cpu: beat / 4,
    resident: 90 << 20,
    loopLag: { p50: 0.1, p99: 1.1, max: 4 },
    ...more,
  }
}

describe('the dashboard of several workers', () => {
  it('shows each of them', async (test) => {
    const standIn = new AdminStandIn()
    let beat = 0
    let several = true
    standIn.reports.stats = () => {
      beat++
      const silent = { requests: null, inFlight: null, cpu: null, resident: null, loopLag: null, version: null }
      const workers = [
        worker(1, beat),
        worker(2, beat, { ...silent, state: 'starting', stale: true, restarts: 2 }),
        worker(3, beat, { state: 'unresponsive', stale: true }),
      ]
      return statsReport({ uptime: beat * 1_000, time: Date.now(), ...(several ? { workers } : {}) })
    }
    standIn.reports.upstreams = () => [
      upstreamReport({ endpoints: [endpointReport({ healthy: false, unhealthyIn: [2] })] }),
    ]
    await standIn.start()
    test.after(() => standIn.stop())
    const browser = await Browser.start()
    test.after(() => browser.close())
    const { page, complaints } = await browser.open()
    await page.goto(standIn.url)
    await page.getByText('1 process of 3 ready').waitFor()
    const rows = page.locator('#workers-table tbody tr')
    assert.equal(await rows.count(), 3)
    await page.getByRole('cell', { name: '25 %' }).first().waitFor()
    assert.match((await rows.nth(0).textContent())!, /^14711● Ready.*90\.0 MiB1\.1 ms70$/)
    assert.match((await rows.nth(1).textContent())!, /Starting.*–.*2$/)
    assert.match((await rows.nth(2).textContent())!, /Hangs/)
    await page.getByText('in worker 2 only').waitFor()
    await page.setViewportSize(PHONE)
    const overflow = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
    assert.equal(overflow, 0, 'the page does not scroll sideways')
    several = false
    await page.locator('#workers').waitFor({ state: 'hidden' })
    assert.deepEqual(complaints, [])
  })
})
