// `sluice top` as a user has it: in a terminal (a pseudo one, of util-linux' script), and in a pipe.
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { statsReport, trafficStats } from '../lab/admin-reports.ts'
import { AdminStandIn } from '../lab/admin-stand-in.ts'
import { until } from '../lab/poll.ts'
import { refusingPort } from '../lab/upstreams.ts'
import { Watch } from '../lab/watch.ts'

const MAIN = new URL('../../src/cli/main.ts', import.meta.url).pathname
const NODE = [process.execPath, '--disable-warning=ExperimentalWarning', MAIN, 'top'] as const
const PSEUDO_TERMINAL = existsSync('/usr/bin/script')
const ENTER = '\x1b[?1049h'
const LEAVE = '\x1b[?1049l'

/** A program whose output is waited for. */
class Program {
  output = ''
  errors = ''
  code: number | null = null
  readonly #child: ChildProcess
  readonly #watch = new Watch()

  constructor(test: TestContext, [file, ...options]: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const child = spawn(file!, options, { env: { ...process.env, TERM: 'xterm-256color', ...env } })
    this.#child = child
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.output += text
      this.#watch.look()
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.errors += text))
    child.on('close', (code) => {
      this.code = code ?? -1
      this.#watch.look()
    })
    child.stdin.on('error', () => {})
    test.after(() => child.kill('SIGKILL'))
  }

  press(keys: string): void {
    this.#child.stdin!.write(keys)
  }

  async shows(wanted: RegExp): Promise<RegExpExecArray> {
    await this.#watch.until(() => wanted.test(this.output) || this.code !== null, `${wanted}`)
    const found = wanted.exec(this.output)
    assert.ok(found, `${wanted} in ${JSON.stringify(this.output.slice(-2_000))} ${this.errors}`)
    return found
  }

  async end(): Promise<number> {
    await this.#watch.until(() => this.code !== null, 'the end')
    return this.code!
  }
}

/** In a terminal of 100 columns, whose settings are printed before and after. */
function inTerminal(test: TestContext, options: readonly string[], env = {}): Program {
  const words = [...NODE, ...options].map((word) => `'${word}'`).join(' ')
  const line = `stty cols 100 rows 20; stty -g; sh -c "echo pid \\$\\$; exec ${words}"; echo code $?; stty -g`
  return new Program(test, ['script', '-qfec', line, '/dev/null'], { SHELL: '/bin/sh', ...env })
}

async function assertRestored(program: Program, code: number): Promise<void> {
  await program.shows(new RegExp(`code ${code}\\r?\\n`))
  await program.end()
  const settings = [...program.output.matchAll(/^(?:[0-9a-f]+:){10,}[0-9a-f]+/gm)].map(([line]) => line)
  assert.equal(settings.length, 2, program.output)
  assert.equal(settings[0], settings[1], 'the modes of the terminal')
  assert.ok(program.output.lastIndexOf(LEAVE) > program.output.lastIndexOf(ENTER), 'the alternate screen is left')
  assert.ok(program.output.lastIndexOf('\x1b[?25h') > program.output.lastIndexOf('\x1b[?25l'), 'the cursor is shown')
}

async function standIn(test: TestContext): Promise<AdminStandIn> {
  const admin = new AdminStandIn()
  let total = 0
  const began = Date.now()
  admin.reports.stats = () => {
    total += 50
    const traffic = trafficStats(total)
    return statsReport({
      uptime: Date.now() - began + 1,
      requests: { ...traffic, inFlight: 3 },
      routes: [
        { name: 'users', ...traffic },
        { name: 'evil\x1b[2J', ...trafficStats(0) },
      ],
    })
  }
  await admin.start()
  test.after(() => admin.stop())
  return admin
}

describe('sluice top in a terminal', { skip: PSEUDO_TERMINAL ? false : 'there is no script(1)' }, () => {
  it('follows its keys, and gives the terminal back', async (test) => {
    const { url } = await standIn(test)
    const program = inTerminal(test, ['--admin', url, '--interval', '100ms'])
    await program.shows(/requests [1-9][0-9,]*\/s/)
    await program.shows(/evil·\[2J/)
    assert.ok(!program.output.includes('evil\x1b'))
    program.press('u')
    await program.shows(/UPSTREAM {2}ENDPOINT/)
    program.press('/nob')
    await program.shows(/filter: nob_/)
    program.press('\r')
    await program.shows(/\/ filter: nob/)
    program.press('q')
    await assertRestored(program, 0)
  })

  for (const [signal, code] of [
    ['SIGTERM', 143],
    ['SIGHUP', 129],
    ['SIGINT', 130],
  ] as const) {
    it(`gives the terminal back after ${signal}`, async (test) => {
      const { url } = await standIn(test)
      const program = inTerminal(test, ['--admin', url, '--interval', '100ms'])
      const [, pid] = await program.shows(/pid (\d+)/)
      await program.shows(/requests [1-9]/)
      process.kill(Number(pid), signal)
      await assertRestored(program, code)
    })
  }

  it('lends the terminal to the shell while it is suspended', async (test) => {
    const { url } = await standIn(test)
    const program = inTerminal(test, ['--admin', url, '--interval', '100ms'])
    const [, pid] = await program.shows(/pid (\d+)/)
    await program.shows(/requests [1-9]/)
    program.press('\x1a')
    await until(async () => / T /.test(await readFile(`/proc/${pid}/stat`, 'utf8')), 'the process to stop')
    assert.ok(program.output.endsWith(LEAVE))
    process.kill(Number(pid), 'SIGCONT')
    await program.shows(/\x1b\[\?1049l[^]*\x1b\[\?1049h[^]*requests [1-9]/)
    program.press('q')
    await assertRestored(program, 0)
  })

  it('gives the terminal back when it crashes', async (test) => {
    const admin = await standIn(test)
    admin.reports.upstreams = () => [{ name: 'not a report' } as never]
    const program = inTerminal(test, ['--admin', admin.url, '--interval', '100ms'])
    await assertRestored(program, 1)
  })

  it('waits for a gateway that is away, and ends when it wants another token', async (test) => {
    const admin = await standIn(test)
    admin.stop()
    const program = inTerminal(test, ['--admin', admin.url, '--interval', '100ms'])
    await program.shows(/No report: .*ECONNREFUSED/)
    await admin.start()
    await program.shows(/requests [1-9]/)
    admin.reports.token = 'a-token-that-it-lacks'
    await program.shows(/answers 401.*\r?\nIts token: --token-file/s)
    await assertRestored(program, 1)
  })

  it('has no colours when NO_COLOR is set', async (test) => {
    const { url } = await standIn(test)
    const program = inTerminal(test, ['--admin', url, '--interval', '100ms'], { NO_COLOR: '1' })
    await program.shows(/requests [1-9]/)
    program.press('\x03')
    await assertRestored(program, 0)
    assert.doesNotMatch(program.output, /\x1b\[(?:1|2|7|3[0-9])m/)
  })
})

describe('sluice top in a pipe', () => {
  it('prints both tables once', async (test) => {
    const { url } = await standIn(test)
    const program = new Program(test, [...NODE, '--admin', url, '--interval', '100ms'])
    assert.equal(await program.end(), 0, program.errors)
    assert.match(program.output, /^sluice 0\.1\.0 {3}ready/)
    assert.match(program.output, /\nROUTE .*\nusers +[1-9]/)
    assert.match(program.output, /\nUPSTREAM {2}ENDPOINT .*\nusers {2}http/)
    assert.ok(!program.output.includes('\x1b'))
  })

  it('prints JSON', async (test) => {
    const { url } = await standIn(test)
    const program = new Program(test, [...NODE, '--admin', url, '--interval', '100ms', '--once', '--json'])
    assert.equal(await program.end(), 0, program.errors)
    const { traffic, routes, endpoints } = JSON.parse(program.output) as Record<string, any>
    assert.ok(traffic.requests > 0)
    assert.equal(routes[0].name, 'users')
    assert.equal(endpoints[0].upstream, 'users')
  })

  it('takes the address and the token of the options or of the environment', async (test) => {
    const admin = await standIn(test)
    admin.reports.token = 'a-token-of-sixteen'
    const directory = await mkdtemp(join(tmpdir(), 'sluice-top-'))
    test.after(() => rm(directory, { recursive: true }))
    const file = join(directory, 'token')
    await writeFile(file, `${admin.reports.token}\n`)
    const options = [...NODE, '--admin', admin.url, '--interval', '100ms']
    const byFile = new Program(test, [...options, '--token-file', file], { SLUICE_ADMIN_TOKEN: 'another' })
    const byEnvironment = new Program(test, [...NODE, '--interval', '100ms'], {
      SLUICE_ADMIN: admin.url,
      SLUICE_ADMIN_TOKEN: admin.reports.token,
    })
    const without = new Program(test, options)
    assert.deepEqual(await Promise.all([byFile.end(), byEnvironment.end(), without.end()]), [0, 0, 1])
    assert.match(without.errors, /401.*\n.*--token-file/)
    assert.equal(without.output, '')
  })

  it('says what is wrong', async (test) => {
    const strange = createServer((_, response) => response.end('\x1b[2Jhello')).listen(0, '127.0.0.1')
    test.after(() => strange.close())
    const { port } = await new Promise<AddressInfo>((resolve) => {
      strange.once('listening', () => resolve(strange.address() as AddressInfo))
    })
    const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
      [['--admin', `http://127.0.0.1:${await refusingPort()}`], 1, /ECONNREFUSED/],
      [['--admin', `http://127.0.0.1:${port}`], 1, /not JSON/],
      [['--admin', 'unix:/nowhere/at/all'], 1, /ENOENT/],
      [['--admin', 'nonsense'], 2, /--admin takes/],
      [['--interval', '1ms'], 2, /--interval is from 100ms to 1h/],
      [['--token-file', '/nowhere'], 2, /--token-file cannot be read: ENOENT/],
      [['--unknown'], 2, /--unknown/],
      [['more'], 2, /"more"/],
    ]
    const programs = cases.map(([options]) => new Program(test, [...NODE, ...options]))
    for (const [i, [options, code, wanted]] of cases.entries()) {
      assert.equal(await programs[i]!.end(), code, options.join(' '))
      assert.match(programs[i]!.errors, wanted)
      assert.ok(!programs[i]!.errors.includes('\x1b'))
    }
  })
})
