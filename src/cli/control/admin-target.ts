// The configuration of a running gateway, through its admin API.
import type { Change } from '../../config/diff.ts'
import { isRecord } from '../../config/document.ts'
import { AdminRefusal, problemsOf, type AdminAnswer, type AdminClient, type AdminQuestion } from '../admin-client.ts'
import { TOKEN_HINT } from '../admin-options.ts'
import { reversed } from './change-lines.ts'
import { changesOf, historyEntry, instancesOf, recordsOf } from './reports.ts'
import {
  Conflict,
  TargetFailure,
  type Authorship,
  type ConfigTarget,
  type ConfigText,
  type HistoryEntry,
  type InstanceStatus,
  type Operand,
  type Preview,
  type Written,
} from './target.ts'

/** ms. A write is answered when the new version serves. */
const WRITE_TIMEOUT = 60_000
/** Latest versions that a gateway keeps. */
const MOST_VERSIONS = 50
const LONGEST_HEADER = 1_000

export class AdminTarget implements ConfigTarget {
  readonly #client: AdminClient
  readonly #address: string

  constructor(address: string, client: AdminClient) {
    this.#address = address
    this.#client = client
  }

  describe(): string {
    return this.#address
  }

  async close(): Promise<void> {}

  async version(): Promise<number> {
    return this.#written(await this.#ask('config')).version
  }

  async preview(text: ConfigText): Promise<Preview> {
    const answer = await this.#ask('config?validate=only', replacing(text), text.file)
    const warnings = problemsOf(isRecord(answer.value) ? answer.value['warnings'] : undefined)
    const { version } = this.#written(answer)
    return {
      version,
      changes: changesOf(answer.value),
      warnings: ofFile(warnings, text.file),
      notes: [],
      isSame: false,
    }
  }

  async apply(text: ConfigText, base: number, authorship: Authorship): Promise<Written> {
    const question = replacing(text)
    const headers = { ...question.headers, ...writing(base, authorship) }
    return this.#written(await this.#ask('config', { ...question, headers }, text.file))
  }

  async activate(version: number, base: number, authorship: Authorship): Promise<Written> {
    const headers = writing(base, authorship)
    return this.#written(
      await this.#ask(`snapshots/${version}/activate`, { method: 'POST', headers, timeout: WRITE_TIMEOUT }),
    )
  }

  async compare(before: Operand, after: Operand): Promise<readonly Change[]> {
    if (before.kind === 'file') return reversed(await this.#againstServing(before, after))
    if (after.kind === 'file') return this.#againstServing(after, before)
    const [from, to] = [await this.#number(before), await this.#number(after)]
    if (from === to) return []
    const { value } = await this.#ask(`snapshots/${to}?diff=${from}`)
    return changesOf(value)
  }

  async history(): Promise<readonly HistoryEntry[]> {
    const { value } = await this.#ask('snapshots')
    const entries = recordsOf(value, 'snapshots').flatMap(historyEntry)
    return entries.toSorted((a, b) => b.version - a.version).slice(0, MOST_VERSIONS)
  }

  /** A gateway with a file of its own is a fleet of one. */
  async fleet(): Promise<readonly InstanceStatus[]> {
    const { value } = await this.#ask('fleet')
    const instances = instancesOf(value)
    if (instances.length > 0) return instances
    const version = await this.version()
    return [{ instance: this.#address, version, seen: version, state: 'serving', error: '', since: 0 }]
  }

  /** From what serves to the file. The gateway compares them: it has the environment and the plugins. */
  async #againstServing(text: ConfigText, other: Operand): Promise<Change[]> {
    if (other.kind === 'version' && other.version !== (await this.version())) {
      // Texts of earlier versions do not leave a gateway: they may have secrets.
      const hint = `Compare it with live, and live with @${other.version}.`
      throw new TargetFailure('the admin API compares a file only with the version that serves', [], hint)
    }
    const { value } = await this.#ask('config/validate', { ...replacing(text), method: 'POST' }, text.file)
    const { valid, problems } = isRecord(value) ? value : {}
    if (valid === true) return changesOf(value)
    throw new TargetFailure(`${text.file} is not valid`, ofFile(problemsOf(problems), text.file))
  }

  async #number(operand: Operand): Promise<number> {
    return operand.kind === 'version' ? operand.version : this.version()
  }

  /** Which version the answer is about. */
  #written({ headers, value }: AdminAnswer): Written {
    const { version: said, written } = isRecord(value) ? value : {}
    const version = typeof said === 'number' ? said : Number(/^"(\d+)/.exec(headers.etag ?? '')?.[1])
    if (Number.isSafeInteger(version)) return { version, isNew: written !== false }
    throw new TargetFailure(`${this.#address}: the answer has no version: is this the admin listener of a gateway?`)
  }

  async #ask(path: string, question: AdminQuestion = {}, file = ''): Promise<AdminAnswer> {
    try {
      return await this.#client.ask(`/admin/v1/${path}`, question)
    } catch (error) {
      if (!(error instanceof AdminRefusal)) throw error
      // What was found good, and is refused as it should serve, may have been written all the same: the answer says it.
      const { status, problems } = error
      if (status === 422 && problems.length > 0 && path.endsWith('?validate=only'))
        throw new TargetFailure(`${file} is not valid`, ofFile(problems, file))
      throw failure(this.#address, error, file)
    }
  }
}

function failure(address: string, { status, message, problems }: AdminRefusal, file: string): TargetFailure {
  if (status === 412) return new Conflict(`${address}: somebody else has changed the configuration`)
  return new TargetFailure(`${address}: ${message}`, ofFile(problems, file), status === 401 ? TOKEN_HINT : '')
}

/** The gateway does not know how the user calls the file; items of a store have names of their own. */
function ofFile<P extends { readonly file: string }>(problems: readonly P[], file: string): P[] {
  return problems.map((problem) => (file === '' || problem.file.startsWith('etcd:') ? problem : { ...problem, file }))
}

function replacing({ file, text }: ConfigText): AdminQuestion & { readonly headers: Readonly<Record<string, string>> } {
  const type = file.endsWith('.json') ? 'application/json' : 'application/yaml'
  return { method: 'PUT', headers: { 'content-type': type }, body: text, timeout: WRITE_TIMEOUT }
}

function writing(base: number, { author, message }: Authorship): Record<string, string> {
  return {
    'if-match': `"${base}"`,
    'sluice-author': fieldValue(author),
    ...(message === '' ? {} : { 'sluice-message': fieldValue(message) }),
  }
}

/** UTF-8 in a header field (RFC 9110 section 5.5 lets such bytes pass), on one line. */
function fieldValue(text: string): string {
  const line = text.replaceAll(/\p{Cc}+/gu, ' ').trim()
  return Buffer.from(line.slice(0, LONGEST_HEADER)).toString('latin1')
}
