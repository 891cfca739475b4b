// The write side of an admin listener without a gateway behind it: versions of a text, told as the admin API tells them.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { parse } from 'yaml'
import { diffConfigs } from '../../src/config/diff.ts'
import { isRecord } from '../../src/config/document.ts'

interface StoredVersion {
  readonly version: number
  readonly text: string
  readonly author: string
  readonly message: string
}

interface Refused {
  readonly status: number
  readonly detail: string
  readonly problems?: readonly object[]
}

export class ConfigStandIn {
  readonly versions: StoredVersion[] = []
  /** What the fleet says; `null`: this gateway alone, with what it serves. */
  fleet: ((version: number) => readonly object[]) | null = null
  warnings: readonly object[] = []
  token = ''
  /** Called before a write is looked at. */
  beforeWrite: () => void = () => {}
  inFlight = 0
  /** Called before the figures are told. */
  beforeStats: () => void = () => {}
  /** Paths with their methods, as they were asked for. */
  readonly asked: string[] = []
  readonly #server: Server

  private constructor(server: Server, text: string) {
    this.#server = server
    this.store(text, 'start', '')
    server.on('request', (request, response) => {
      void this.#answer(request, response)
    })
  }

  static async start(test: TestContext, text: string): Promise<ConfigStandIn> {
    const server = createServer()
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    const standIn = new ConfigStandIn(server, text)
    test.after(() => standIn.stop())
    return standIn
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  get latest(): StoredVersion {
    return this.versions.at(-1)!
  }

  store(text: string, author: string, message: string): number {
    const version = this.versions.length + 1
    this.versions.push({ version, text, author, message })
    return version
  }

  stop(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.asked.push(`${request.method} ${request.url}`)
    const body = await read(request)
    let status = 200
    let answer: unknown
    try {
      if (this.token !== '' && request.headers.authorization !== `Bearer ${this.token}`) {
        throw refused(401, 'a token is needed: Authorization: Bearer TOKEN')
      }
      answer = await this.#resource(request, body)
    } catch (error) {
      if (!(error instanceof Error) || !isRecord(error.cause)) throw error
      ;({ status } = error.cause as unknown as Refused)
      answer = error.cause
    }
    response.writeHead(status, { 'content-type': 'application/json', etag: `"${this.latest.version}"` })
    response.end(JSON.stringify(answer))
  }

  async #resource(request: IncomingMessage, body: string): Promise<unknown> {
    const { pathname, searchParams } = new URL(request.url!, 'http://stand-in')
    const [resource = '', name = '', verb = ''] = pathname.replace('/admin/v1/', '').split('/')
    const what = `${request.method} ${resource}${name === '' ? '' : '/'}${/\d/.test(name) ? 'N' : name}${verb}`
    const { version } = this.latest
    if (what === 'GET config') return { version, config: parse(this.latest.text) as unknown }
    if (what === 'PUT config') return this.#put(request, body, searchParams.get('validate') === 'only')
    if (what === 'POST config/validate') return { valid: true, problems: [], ...(await this.#checked(body)) }
    if (what === 'GET snapshots') return { snapshots: this.versions.map((entry) => this.#row(entry)) }
    if (what === 'GET snapshots/N') return this.#difference(Number(searchParams.get('diff')), Number(name))
    if (what === 'POST snapshots/Nactivate') return this.#activate(request, Number(name))
    if (what === 'GET fleet') return { instance: 'gw-1', members: this.fleet?.(version) ?? [served('gw-1', version)] }
    if (what === 'POST drain') return { draining: true }
    if (what === 'GET stats') {
      this.beforeStats()
      return { requests: { inFlight: this.inFlight } }
    }
    throw refused(404, 'there is no such endpoint')
  }

  async #put(request: IncomingMessage, body: string, isDryRun: boolean): Promise<unknown> {
    if (!isDryRun) {
      this.beforeWrite()
      this.#mustMatch(request)
    }
    const checked = await this.#checked(body)
    return { version: isDryRun ? this.latest.version : this.#written(request, body), ...checked }
  }

  #activate(request: IncomingMessage, version: number): unknown {
    this.beforeWrite()
    this.#mustMatch(request)
    return { version: this.#written(request, this.#version(version).text), changes: [] }
  }

  #written({ headers }: IncomingMessage, text: string): number {
    const said = (name: string): string => Buffer.from(String(headers[name] ?? ''), 'latin1').toString()
    return this.store(text, said('sluice-author'), said('sluice-message'))
  }

  #mustMatch({ headers }: IncomingMessage): void {
    const match = headers['if-match']
    if (match === undefined) throw refused(428, 'If-Match is needed')
    if (match !== `"${this.latest.version}"`) throw refused(412, 'the configuration has another version')
  }

  async #checked(body: string): Promise<{ changes: readonly object[]; warnings: readonly object[] }> {
    const after: unknown = parse(body)
    if (isRecord(after) && 'nonsense' in after) {
      const problem = { file: 'body', line: 3, column: 1, key: 'nonsense', message: 'unknown key' }
      throw refused(422, 'the configuration has a problem', [problem])
    }
    return { changes: await diffConfigs(parse(this.latest.text), after), warnings: this.warnings }
  }

  async #difference(from: number, to: number): Promise<unknown> {
    const [before, after] = [this.#version(from), this.#version(to)]
    return { version: to, changes: await diffConfigs(parse(before.text), parse(after.text)) }
  }

  #version(version: number): StoredVersion {
    const found = this.versions.find((entry) => entry.version === version)
    if (found === undefined) throw refused(404, `version ${version} is not kept`)
    return found
  }

  #row({ version, author, message }: StoredVersion): object {
    const since = Date.UTC(2026, 10, 21, 18, 0, version)
    return { version, since, author, message, why: 'admin', changes: 1, serving: version === this.latest.version }
  }
}

/** What a gateway tells of itself, with what is different this time. */
export function served(instance: string, version: number, more: object = {}): object {
  const status = { version, seen: version, state: 'serving', errors: [], since: Date.UTC(2026, 10, 21), ...more }
  return { instance, status, about: null }
}

function refused(status: number, detail: string, problems: readonly object[] = []): Error {
  return new Error(detail, { cause: { status, detail, problems } satisfies Refused })
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
