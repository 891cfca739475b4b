// A configuration file with the admin listener before it: all that changes a configuration, without a gateway behind.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { request, type IncomingHttpHeaders } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { startAdmin, type AdminListener } from '../../src/admin/server.ts'
import type { AdminState } from '../../src/admin/state.ts'
import { diffConfigs } from '../../src/config/diff.ts'
import { AuditLog } from '../../src/control/audit.ts'
import {
  FILE_ITEM,
  type ConfigAuthority,
  type ConfigTexts,
  type FileAuthority,
} from '../../src/control/config-authority.ts'
import { FileStore } from '../../src/control/file-store.ts'
import { ConfigHistory } from '../../src/control/history.ts'
import { validate, type Validated } from '../../src/control/publish.ts'
import { ConfigWriter } from '../../src/control/writer.ts'
import { builtInPlugins } from '../../src/live-state.ts'
import type { Logger } from '../../src/telemetry/logger.ts'

const BUILT_IN = builtInPlugins()

export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  readonly json: Record<string, any>
}

export interface Question {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

export const TOKEN = 'a-token-of-some-length'
process.env['SLUICE_TEST_ADMIN_TOKEN'] = TOKEN

export const TEXT = `version: 1
# where clients come
listeners: [{ name: main, bind: '127.0.0.1:0' }]
admin: { bind: '127.0.0.1:0', token: "\${SLUICE_TEST_ADMIN_TOKEN}" }
upstreams:
  users: { endpoints: [{ url: 'http://127.0.0.1:1' }] }
  canary: { endpoints: [{ url: 'http://127.0.0.1:2' }] }
routes:
  - name: users # the users
    match: { path: /users }
    upstream: users
  - { name: 'a/b c', match: { path: /x }, respond: { headers: { x-api-key: hidden-value } } }
`

export const ROUTE = '/admin/v1/routes/users'
export const JSON_BODY = { 'content-type': 'application/json' }
export const bearer = { authorization: `Bearer ${TOKEN}` }

/** A change of the version that serves. */
export function patch(body: unknown, headers: Readonly<Record<string, string>> = {}): Question {
  return { method: 'PATCH', headers: { ...JSON_BODY, 'if-match': '*', ...headers }, body: JSON.stringify(body) }
}

/** Says nothing. */
export const silent = {
  info() {},
  warn() {},
  error() {},
} as unknown as Logger

export class FileControl implements FileAuthority, ConfigAuthority {
  readonly directory: string
  readonly file: string
  readonly store: FileStore
  readonly history: ConfigHistory
  readonly audit: AuditLog
  readonly writer: ConfigWriter
  drains = 0
  version = 1
  validated!: Validated
  listener!: AdminListener
  /** Called instead of making a text serve, to refuse it. */
  refuse: (() => Promise<never>) | null = null
  #text = ''

  private constructor(directory: string, history: ConfigHistory, audit: AuditLog) {
    this.directory = directory
    this.file = join(directory, 'gateway.yaml')
    this.history = history
    this.audit = audit
    this.store = new FileStore(this.file, this)
    this.writer = new ConfigWriter(this, history)
  }

  static async start(test: TestContext, yaml: string, token: string | null = null): Promise<FileControl> {
    const directory = await mkdtemp(join(tmpdir(), 'sluice-control-'))
    test.after(() => rm(directory, { recursive: true, force: true }))
    const state = join(directory, 'state')
    const history = await ConfigHistory.open({ directory: state, log: silent })
    const control = new FileControl(directory, history, await AuditLog.open({ directory: state, log: silent }))
    await writeFile(control.file, yaml)
    control.#text = yaml
    control.validated = await control.validate(control.texts())
    history.record({ version: 1, time: Date.now(), author: 'file', message: '', why: 'start' }, control.texts(), null)
    control.listener = await startAdmin({ bind: '127.0.0.1:0', token }, control.#state())
    test.after(() => control.listener.close())
    test.after(() => history.close())
    return control
  }

  get text(): string {
    return this.#text
  }

  texts(): ConfigTexts {
    return new Map([[FILE_ITEM, this.#text]])
  }

  async validate(texts: ConfigTexts): Promise<Validated> {
    return validate(texts.get(FILE_ITEM)!, this.file, await BUILT_IN)
  }

  async adopt(text: string, author: string, message: string): Promise<number> {
    if (this.refuse !== null) return this.refuse()
    const next = await this.validate(new Map([[FILE_ITEM, text]]))
    const { valid, plugins } = this.validated
    const changes = await diffConfigs(valid.config, next.valid.config, plugins)
    this.validated = next
    this.#text = text
    this.version++
    const info = { version: this.version, time: Date.now(), author, message, why: 'admin' }
    this.history.record(info, this.texts(), changes)
    return this.version
  }

  async served(): Promise<void> {}

  onDisk(): Promise<string> {
    return readFile(this.file, 'utf8')
  }

  ask(path: string, { method = 'GET', headers = {}, body }: Question = {}): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port: this.listener.port, path, method, agent: false, headers }
      const asked = request(options, (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => (text += chunk))
        response.on('error', reject)
        response.on('end', () => {
          const json = text.startsWith('{') ? (JSON.parse(text) as Record<string, any>) : {}
          resolve({ status: response.statusCode!, headers: response.headers, text, json })
        })
      })
      asked.on('error', reject)
      asked.end(body)
    })
  }

  #state(): AdminState {
    const snapshot = () => ({
      version: this.version,
      config: this.validated.valid.config,
      plugins: this.validated.plugins,
    })
    const shown = {
      log: silent,
      file: this.file,
      get history() {
        return { reports: () => [], since: 0, tag: `${snapshot().version}` }
      },
      control: {
        plugins: () => this.validated.plugins,
        writer: this.writer,
        history: this.history,
        audit: this.audit,
        drain: () => void this.drains++,
        fleet: async () => ({ instance: 'here', members: [] }),
      },
      get snapshot() {
        return snapshot()
      },
    }
    return shown as unknown as AdminState
  }
}
