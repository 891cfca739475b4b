// The pictures of the dashboard that docs/dashboard.md shows: five minutes of a busy day, which pass in seconds.
import type { Page } from 'playwright-core'
import { AdminStandIn } from './admin-stand-in.ts'
import { Browser, PHONE } from './browser.ts'
import { makeBusy } from './busy-stand-in.ts'
import { until } from './poll.ts'

export interface Picture {
  readonly name: 'light' | 'dark' | 'phone'
  readonly png: Buffer
}

const SECONDS = 300
/** Higher than a screen: the picture shows the tables as well. */
const PAPER = { width: 1280, height: 2010 }

/** `seconds`: how much of the day the charts show. */
export async function takePictures(seconds = SECONDS): Promise<Picture[]> {
  const standIn = new AdminStandIn()
  const tick = makeBusy(standIn)
  await standIn.start()
  const browser = await Browser.start()
  try {
    const { page } = await browser.open()
    await page.clock.install({ time: Date.now() })
    await page.goto(standIn.url)
    await live(page, standIn, tick, seconds)
    await page.getByLabel('URL or path').fill('http://api.example.com/users/7')
    await page.getByRole('button', { name: 'Explain' }).click()
    await page.getByText('Route users').waitFor()
    await page.mouse.move(0, 0)
    const pictures: Picture[] = []
    for (const name of ['light', 'dark', 'phone'] as const) {
      await page.emulateMedia({ colorScheme: name === 'dark' ? 'dark' : 'light', reducedMotion: 'reduce' })
      await page.setViewportSize(name === 'phone' ? PHONE : PAPER)
      await page.evaluate('scrollTo(0, 0)')
      await live(page, standIn, tick, 3)
      pictures.push({ name, png: await page.screenshot() })
    }
    return pictures
  } finally {
    await browser.close()
    standIn.stop()
  }
}

/** Lets seconds pass for the page and for the gateway, each with its report. */
async function live(page: Page, { asked }: AdminStandIn, tick: () => void, seconds: number): Promise<void> {
  const reports = (): number => asked.filter((path) => path === '/admin/v1/stats').length
  for (let i = 0; i < seconds; i++) {
    tick()
    const before = reports()
    await page.clock.runFor(950)
    await until(async () => {
      await page.clock.runFor(50)
      return reports() > before
    }, 'a report to be asked for')
  }
}
