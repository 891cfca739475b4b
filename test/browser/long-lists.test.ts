// A thousand routes and two hundred endpoints: the page shows the first of them, all of them when asked, and stays quick.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { endpointReport, statsReport, trafficStats, upstreamReport } from '../lab/admin-reports.ts'
import { AdminStandIn } from '../lab/admin-stand-in.ts'
import { Browser } from '../lab/browser.ts'

/** ms; generous, for a machine that is busy with other tests. */
const LONGEST_TASK = 1_500
const WATCH = `window.longest = 0
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration)
}).observe({ type: 'longtask' })`

describe('the dashboard with long lists', () => {
  it('shows the busiest, and all when asked', async (test) => {
    const standIn = new AdminStandIn()
    let beat = 0
    standIn.reports.stats = () => {
      beat++
      const routes = Array.from({ length: 1_000 }, (_, i) => ({ name: `route-${i}`, ...trafficStats(beat * i) }))
      return statsReport({ uptime: beat * 1_000, time: Date.now(), routes })
    }
    standIn.reports.upstreams = () =>
      Array.from({ length: 5 }, (_, n) =>
        upstreamReport({
          name: `upstream-${n}`,
          endpoints: Array.from({ length: 40 }, (_, i) =>
            endpointReport({ url: `http://10.0.${n}.${i}:80`, healthy: i !== 39, requests: beat * i }),
          ),
        }),
      )
    await standIn.start()
    test.after(() => standIn.stop())
    const browser = await Browser.start()
    test.after(() => browser.close())
    const { page, complaints } = await browser.open()
    await page.goto(standIn.url)
    await page.getByText('10 of 1,000').waitFor()
    await page.getByRole('rowheader', { name: 'route-999' }).waitFor()
    const routes = page.locator('#routes-table tbody tr')
    assert.equal(await routes.count(), 10)
    const upstreams = page.locator('#upstreams-table tbody tr')
    assert.equal(await upstreams.count(), 5 * 7)
    const down = page.getByRole('row', { name: 'http://10.0.3.39:80' })
    assert.match((await down.textContent())!, /Down/, 'what is not well comes first')
    await page.getByRole('button', { name: 'Route', exact: true }).press('Enter')
    await page.getByRole('rowheader', { name: 'route-0', exact: true }).waitFor()
    const sorted = page.locator('#routes-table th[aria-sort]')
    assert.deepEqual(await sorted.allTextContents(), ['Route'])
    assert.equal(await sorted.getAttribute('aria-sort'), 'ascending')
    await page.evaluate(WATCH)
    await page.locator('#routes-all').click()
    await page.getByText('1,000 of 1,000').waitFor()
    assert.equal(await routes.count(), 1_000)
    await page.locator('#upstreams-all').click()
    await page.getByRole('rowheader', { name: 'http://10.0.3.38:80' }).waitFor()
    assert.equal(await upstreams.count(), 5 * 41)
    for (let i = 0; i < 5; i++) await page.waitForRequest(/stats/)
    const longest = Number(await page.evaluate('window.longest'))
    assert.ok(longest < LONGEST_TASK, `a task of ${longest} ms`)
    test.diagnostic(`longest task: ${longest} ms`)
    await page.getByLabel('Filter routes').fill('route-77')
    await page.getByText('11 of 1,000').waitFor()
    await page.getByLabel('Filter upstreams and endpoints').fill('10.0.2.7:')
    await page.getByText('1 of 5').waitFor()
    assert.deepEqual(complaints, [])
  })
})
