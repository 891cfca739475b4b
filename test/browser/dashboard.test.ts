// The dashboard in a real browser: what it shows, how it is operated, and that it does no more than it should.
import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import type { Page } from 'playwright-core'
import { Browser, PHONE, WIDE } from '../lab/browser.ts'
import { until } from '../lab/poll.ts'
import { HOSTILE, startGateway as startPlace, type Place } from './place.ts'

const TOKEN = 'a-token-of-the-dashboard'
/** The browser itself says so when a request fails; the page handles it. */
const EXPECTED = /Failed to load resource/

describe('the dashboard', () => {
  let browser: Browser
  before(async () => {
    browser = await Browser.start()
  })
  after(() => browser.close())

  /** A page on a gateway of its own. */
  async function open(test: TestContext, token = ''): Promise<{ page: Page; place: Place }> {
    const place = await startPlace(test, token)
    const { page, complaints } = await browser.open()
    test.after(() => page.close())
    await page.setViewportSize(WIDE)
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' })
    await page.goto(place.url)
    test.after(() => {
      assert.deepEqual(
        complaints.filter((text) => !EXPECTED.test(text)),
        [],
      )
    })
    return { page, place }
  }

  it('shows figures that change with the traffic', async (test) => {
    const { page, place } = await open(test)
    const state = page.locator('#state-text')
    await until(async () => (await state.textContent()) === 'Live', 'the page to be live')
    const requests = page.locator('.chart-card', { hasText: 'Requests/s' }).locator('dd').first()
    await until(async () => (await requests.textContent()) === '0', 'a gateway at rest')
    const above = async (): Promise<boolean> => {
      await place.traffic(40)
      return Number((await requests.textContent())!.replace(',', '')) > 10
    }
    await until(above, 'more than ten requests per second')
    const row = page.getByRole('row', { name: /^hello/ })
    await until(async () => /ms/.test((await row.textContent())!), 'the latency of the route')
    const chart = page.getByRole('img', { name: /^Requests, last 1 min\. Requests\/s: now/ })
    await chart.waitFor()
  })

  it('tells of slow requests and of a configuration that was rejected, as text', async (test) => {
    const { page, place } = await open(test)
    await page.getByRole('cell', { name: 'No request is older than 500 ms.' }).waitFor()
    await place.beginSlow()
    await page.getByLabel('Older than').selectOption('100 ms')
    await page.getByRole('cell', { name: 'awaiting-head' }).waitFor()
    await place.breakConfiguration()
    const banner = page.getByRole('complementary', { name: 'The latest configuration was rejected' })
    await banner.waitFor()
    assert.match((await banner.textContent())!, /there is no upstream "<img src=x onerror=/)
    assert.match((await banner.textContent())!, /Version 1 goes on serving/)
    assert.equal(await page.locator('#announcer').textContent(), 'The latest configuration was rejected.')
    await page.getByRole('rowheader', { name: HOSTILE }).waitFor()
    assert.equal(await page.locator('img').count(), 0)
    assert.notEqual(await page.title(), '1')
  })

  it('explains a request by keyboard alone', async (test) => {
    const { page } = await open(test)
    await page.getByText('Live').waitFor()
    await page.keyboard.press('Tab')
    assert.equal(await focused(page), 'Skip to the figures')
    await page.keyboard.press('Enter')
    await tabTo(page, 'explain-url')
    await page.keyboard.type('/hello')
    await page.keyboard.press('Enter')
    await page.getByText('Route hello, then').waitFor()
    await page.keyboard.press('Control+a')
    await page.keyboard.type('/nowhere')
    await page.keyboard.press('Enter')
    await page.getByText('No route: 404').waitFor()
  })

  it('goes through its parts in order, and each has a visible focus', async (test) => {
    const { page } = await open(test)
    await page.getByText('Live').waitFor()
    const order: string[] = []
    for (let i = 0; i < 40 && order.at(-1) !== 'Explain submit'; i++) {
      await page.keyboard.press('Tab')
      order.push(await focused(page))
      const outline = await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')
      assert.notEqual(outline, 'none', `${order.at(-1)} shows its focus`)
    }
    const wanted = ['Skip to', 'Overview', 'Explain', 'theme', 'routes-filter', 'upstreams-filter', 'exchanges-slow']
    const places = [...wanted, 'explain-method', 'explain-url', 'explain-headers'].map((name) =>
      order.findIndex((text) => text.startsWith(name)),
    )
    assert.ok(!places.includes(-1), order.join(', '))
    assert.deepEqual(
      places.toSorted((a, b) => a - b),
      places,
    )
  })

  it('has landmarks, headings and names for those who hear it', async (test) => {
    const { page } = await open(test)
    await page.getByText('Live').waitFor()
    for (const role of ['banner', 'main', 'contentinfo'] as const) assert.equal(await page.getByRole(role).count(), 1)
    await page.getByRole('navigation', { name: 'Sections' }).waitFor()
    for (const name of [
      'Overview',
      'Routes',
      'Upstreams',
      'Requests under way',
      'Configuration',
      'Explain a request',
    ]) {
      await page.getByRole('heading', { level: 2, name, exact: true }).waitFor()
    }
    for (const name of [/^Routes with/, /^Upstreams and/, /^Requests under way/]) {
      await page.getByRole('table', { name }).waitFor()
    }
    for (const column of ['Route', 'Health', 'Where it is']) {
      await page.getByRole('columnheader', { name: column, exact: true }).first().waitFor()
    }
    assert.equal(await page.getByRole('img').count(), 6, 'each chart has a text')
    const nameless = `[...document.querySelectorAll('input, select, textarea, button')]
      .filter((one) => one.labels?.length === 0 && !one.textContent.trim()).map((one) => one.id)`
    assert.deepEqual(await page.evaluate(nameless), [])
    const live = await page.evaluate(`[...document.querySelectorAll('[aria-live], [role=alert]')].map((one) => one.id)`)
    assert.deepEqual(live, ['announcer', 'token-problem', 'explain-verdict'])
  })

  it('switches its theme and keeps it', async (test) => {
    const { page } = await open(test)
    const background = (): Promise<unknown> => page.evaluate('getComputedStyle(document.body).backgroundColor')
    const light = await background()
    const button = page.getByRole('button', { name: /Theme/ })
    await button.click()
    assert.equal(await button.textContent().then((text) => text!.trim().replace(/\s+/g, ' ')), 'Theme: Light')
    assert.equal(await background(), light)
    await button.click()
    const dark = await background()
    assert.notEqual(dark, light)
    await page.reload()
    assert.equal(await background(), dark)
    await page.getByRole('button', { name: 'Theme: Dark' }).click()
    await page.emulateMedia({ colorScheme: 'dark' })
    assert.equal(await background(), dark, 'that of the system')
  })

  for (const scheme of ['light', 'dark'] as const) {
    it(`has enough contrast in the ${scheme} theme`, async (test) => {
      const { page, place } = await open(test)
      await page.emulateMedia({ colorScheme: scheme })
      await place.breakConfiguration()
      await page.getByRole('complementary').first().waitFor()
      await page.getByRole('rowheader', { name: /^hello/ }).waitFor()
      assert.deepEqual(await page.evaluate(WEAK_TEXT), [])
    })
  }

  it('fits on a phone', async (test) => {
    const { page, place } = await open(test)
    await place.breakConfiguration()
    await page.getByRole('rowheader', { name: /^hello/ }).waitFor()
    await page.setViewportSize(PHONE)
    await page.getByRole('complementary').first().waitFor()
    assert.equal(await page.evaluate('document.documentElement.scrollWidth'), PHONE.width)
    const scrolls = `(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)(document.querySelector('#routes .card'))`
    assert.equal(await page.evaluate(scrolls), true, 'the table scrolls instead')
    const bottom = `document.querySelector('#configuration').getBoundingClientRect().bottom`
    const below = `document.querySelector('#explain').getBoundingClientRect().top >= ${bottom}`
    assert.equal(await page.evaluate(below), true, 'nothing is side by side')
  })

  it('asks for the token, and forgets it', async (test) => {
    const { page } = await open(test, TOKEN)
    const field = page.getByLabel('Token')
    await field.waitFor()
    assert.equal(await field.getAttribute('type'), 'password')
    assert.equal(await page.getByRole('heading', { name: 'Overview' }).count(), 0)
    await page.keyboard.type('a wrong one')
    await page.keyboard.press('Enter')
    await page.getByText('A token has no spaces').waitFor()
    await field.fill('another-wrong-token')
    await page.keyboard.press('Enter')
    await page.getByText('The gateway does not take this token').waitFor()
    await field.fill(TOKEN)
    await page.keyboard.press('Enter')
    await page.getByText('Live').waitFor()
    await page.reload()
    await page.getByText('Live').waitFor()
    assert.ok(!(await page.content()).includes(TOKEN))
    await page.getByRole('button', { name: 'Sign out' }).click()
    await field.waitFor()
    assert.equal(await page.evaluate('sessionStorage.length'), 0)
  })

  it('says when the gateway is away, and goes on when it is back', async (test) => {
    const { page, place } = await open(test)
    await page.getByText('Live').waitFor()
    await place.traffic(100)
    await place.leave()
    await page.getByRole('heading', { name: 'The gateway does not answer' }).waitFor()
    const announcer = page.locator('#announcer')
    assert.equal(await announcer.textContent(), 'The gateway does not answer.')
    await place.comeBack()
    await page.getByText('Live').waitFor()
    await until(async () => /restarted|back/.test((await announcer.textContent())!), 'the announcement')
    await place.leave()
    await page.getByText(/Trying again in [48] s/).waitFor()
    await place.comeBack()
    await page.getByRole('button', { name: 'Try now' }).click()
    await page.getByText('Live').waitFor()
    await until(async () => /restarted|back/.test((await announcer.textContent())!), 'the announcement')
    assert.equal(await page.getByRole('heading', { name: 'The gateway does not answer' }).count(), 0)
  })

  it('is quiet while nobody looks', async (test) => {
    const { page } = await open(test)
    await page.getByText('Live').waitFor()
    const hide = (hidden: boolean): Promise<unknown> =>
      page.evaluate(`Object.defineProperty(document, 'hidden', { value: ${hidden}, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'))`)
    await hide(true)
    await page.getByText('Paused').waitFor()
    await hide(false)
    await page.getByText('Live').waitFor()
  })
})

/** What has the focus, in a word. */
async function focused(page: Page): Promise<string> {
  const name = `(() => {
    const one = document.activeElement
    const text = one.id || one.getAttribute('aria-labelledby') || one.textContent.trim()
    return one.type === 'submit' ? text + ' submit' : text
  })()`
  return String(await page.evaluate(name))
}

async function tabTo(page: Page, id: string): Promise<void> {
  for (let i = 0; i < 40; i++) {
    await page.keyboard.press('Tab')
    if ((await focused(page)) === id) return
  }
  assert.fail(`#${id} is not reached by tabbing`)
}

// The contrast of WCAG 2.2 of every text with the nearest background behind it; below 4.5:1 is too weak.
const WEAK_TEXT = `(() => {
  const parse = (colour) => colour.match(/[\\d.]+/g).map(Number)
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    return 0.2126 * x + 0.7152 * y + 0.0722 * z
  }
  const behind = (one) => {
    for (; one !== null; one = one.parentElement) {
      const colour = parse(getComputedStyle(one).backgroundColor)
      if (colour[3] !== 0) return colour
    }
    return [255, 255, 255]
  }
  const found = []
  for (const one of document.querySelectorAll('body *')) {
    const own = [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '')
    if (!own || !one.checkVisibility() || one.closest('.u-wrap, svg, noscript')) continue
    const [a, b] = [luminance(parse(getComputedStyle(one).color)), luminance(behind(one))]
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
    if (contrast < 4.5) found.push(one.className + ' ' + one.textContent.slice(0, 30) + ' ' + contrast.toFixed(2))
  }
  return [...new Set(found)]
})()`
