// Debian's Chromium with nothing of its own going on, one for a test file. It never outlives the test.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type BrowserContext, type BrowserContextOptions, type Page } from 'playwright-core'

export const WIDE = { width: 1280, height: 900 }
export const PHONE = { width: 360, height: 740 }

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
]

/** A browser with a profile of its own, removed at the end. */
export class Browser {
  readonly #context: BrowserContext
  readonly #profile: string

  private constructor(context: BrowserContext, profile: string) {
    this.#context = context
    this.#profile = profile
  }

  static async start(options: BrowserContextOptions = {}): Promise<Browser> {
    const profile = await mkdtemp(join(tmpdir(), 'sluice-browser-'))
    try {
      const context = await chromium.launchPersistentContext(profile, {
        executablePath: '/usr/bin/chromium',
        headless: true,
        args: ARGUMENTS,
        viewport: WIDE,
        colorScheme: 'light',
        ...options,
      })
      return new Browser(context, profile)
    } catch (error) {
      await rm(profile, { recursive: true, force: true })
      throw error
    }
  }

  /** Another page, with what went wrong on it. */
  async open(): Promise<{ readonly page: Page; readonly complaints: string[] }> {
    const page = await this.#context.newPage()
    const complaints: string[] = []
    page.setDefaultTimeout(15_000)
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
    })
    page.on('pageerror', (error) => complaints.push(error.message))
    return { page, complaints }
  }

  async close(): Promise<void> {
    await this.#context.close()
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 5 })
  }
}
