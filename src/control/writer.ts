// Changes of the configuration from outside, one at a time: made from what serves, validated whole, written through to
// the source, and done when they serve.
import { CONCEALED } from '../config/concealed.ts'
import { diffConfigs } from '../config/diff.ts'
import { isRecord } from '../config/document.ts'
import { EditRefusal } from '../config/edit.ts'
import { withoutConcealed } from '../config/whole.ts'
import {
  FILE_ITEM,
  StoreRefusal,
  type Authorship,
  type ConfigAuthority,
  type ConfigTexts,
  type WriteOutcome,
} from './config-authority.ts'
import type { Problem } from '../config/problem.ts'
import type { ConfigHistory } from './history.ts'
import { withConfig, withRoute, type Served } from './next-texts.ts'
import { InvalidConfiguration, type Validated } from './publish.ts'
import type { RouteChange } from './route-change.ts'
import { refuseDepth, type SentConfig } from './sent-config.ts'
import { VersionConflict } from './shared-store.ts'
import { keysThatDiffer } from './text-delta.ts'
import { doText } from './text-worker.ts'
import { WriteRefusal } from './write-refusal.ts'

/** Changes that may wait for the one that is made. */
const MOST_WAITING = 16
/** ms after which a change that is written is not waited for any more */
const PATIENCE = 30_000
/** Times that a change which is made from whatever serves is made anew when somebody was faster. */
const MOST_TRIES = 5

export interface WriteRequest extends Authorship {
  /** The version that it was made from; null: whatever serves. */
  readonly base: number | null
  /** True: it is only looked at, and nothing is changed. */
  readonly dryRun: boolean
}

type Plan = (served: Served) => ConfigTexts | Promise<ConfigTexts>

export class ConfigWriter {
  readonly #authority: ConfigAuthority
  readonly #history: Pick<ConfigHistory, 'textsOf'>
  readonly #patience: number
  #waiting = 0
  #last: Promise<void> = Promise.resolve()

  constructor(authority: ConfigAuthority, history: Pick<ConfigHistory, 'textsOf'>, patience = PATIENCE) {
    this.#authority = authority
    this.#history = history
    this.#patience = patience
  }

  /** The version that serves. */
  get version(): number {
    return this.#authority.version
  }

  /** Everything below rejects with WriteRefusal. */
  replace(config: SentConfig, request: WriteRequest): Promise<WriteOutcome> {
    return this.#change(request, async (served) => {
      const { form, text } = config
      // A YAML text of one file stands for itself, with its comments and variables.
      const isWhole = !served.shared && form === 'yaml'
      if (isWhole && !(text.includes(CONCEALED) && (await doText('conceals', { text }))))
        return new Map([[FILE_ITEM, text]])
      return withConfig(served, config)
    })
  }

  patchRoute(name: string, patch: unknown, request: WriteRequest): Promise<WriteOutcome> {
    return this.#changeRoute(name, patch, request, (sent) => ({ kind: 'patch', patch: sent }))
  }

  /** It is added when there is none of that name. */
  putRoute(name: string, route: unknown, request: WriteRequest): Promise<WriteOutcome> {
    return this.#changeRoute(name, route, request, (sent) => ({ kind: 'put', route: { name, ...sent } }))
  }

  deleteRoute(name: string, request: WriteRequest): Promise<WriteOutcome> {
    return this.#change(request, (served) => withRoute(served, name, { kind: 'remove' }))
  }

  /** Makes a version that served before serve again, as a new version. */
  activate(version: number, request: WriteRequest): Promise<WriteOutcome> {
    const message = request.message === '' ? `back to version ${version}` : request.message
    return this.#change({ ...request, message }, ({ shared }) => {
      const texts = this.#history.textsOf(version)
      if (texts === null) throw new WriteRefusal('not-found', `version ${version} is not known, or not any more`)
      // A gateway may have had a file of its own before it followed a store, or the other way round.
      if (texts.has(FILE_ITEM) === shared)
        throw new WriteRefusal('conflict', `version ${version} came from another source than what serves now`)
      return texts
    })
  }

  #changeRoute(
    name: string,
    sent: unknown,
    request: WriteRequest,
    edit: (sent: Record<string, unknown>) => RouteChange,
  ): Promise<WriteOutcome> {
    return this.#change(request, (served) => {
      if (!isRecord(sent)) throw new WriteRefusal('invalid', 'a route is an object: {"upstream": "..."}')
      if ((sent['name'] ?? name) !== name)
        throw new WriteRefusal('conflict', 'a route cannot be given another name: remove it, and add another')
      refuseDepth(sent)
      withoutConcealed(sent)
      return withRoute(served, name, edit(sent))
    })
  }

  /** One after the other. */
  #change(request: WriteRequest, plan: Plan): Promise<WriteOutcome> {
    if (this.#waiting > MOST_WAITING)
      return Promise.reject(new WriteRefusal('busy', `${this.#waiting} changes are waiting already`))
    this.#waiting++
    const made = this.#last.then(() => this.#make(request, plan)).finally(() => this.#waiting--)
    this.#last = made.then(
      () => {},
      () => {},
    )
    return made
  }

  async #make(request: WriteRequest, plan: Plan): Promise<WriteOutcome> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#try(request, plan)
      } catch (error) {
        const isLost = error instanceof VersionConflict && request.base === null
        if (!isLost || tries === MOST_TRIES) throw refusalOf(error)
        // Somebody was faster; the change is made from theirs.
        await this.#authority.served(error.latest, AbortSignal.timeout(this.#patience)).catch((late: unknown) => {
          throw refusalOf(late)
        })
      }
    }
  }

  async #try({ base, dryRun, author, message }: WriteRequest, plan: Plan): Promise<WriteOutcome> {
    const { version, validated, store } = this.#authority
    if (base !== null && base !== version) throw new VersionConflict(base, version)
    const texts = this.#authority.texts()
    const next = await plan({ texts, validated, shared: store.shared })
    const items = changedItems(texts, next)
    if (items.size === 0) return { version, written: false, changes: [], warnings: await warningsOf(validated) }
    const candidate = await this.#authority.validate(next)
    const changes = await diffConfigs(validated.valid.config, candidate.valid.config, candidate.plugins)
    const warnings = await warningsOf(candidate)
    if (dryRun) return { version, written: false, changes, warnings }
    const written = await store.write({ base: version, items, author, message })
    await this.#authority.served(written, AbortSignal.timeout(this.#patience)).catch((error: unknown) => {
      if (error instanceof InvalidConfiguration)
        throw new WriteRefusal(
          'invalid',
          `written as version ${written}, which this gateway refuses: ${error.message}`,
          error.problems,
          written,
        )
      const reason = error instanceof Error && error.name === 'TimeoutError' ? 'not within the time' : String(error)
      throw new WriteRefusal('away', `written as version ${written}, which does not serve here: ${reason}`, [], written)
    })
    return { version: written, written: true, changes, warnings }
  }
}

/** What is to be written: text by key, null for what goes. */
function changedItems(before: ConfigTexts, after: ConfigTexts): Map<string, string | null> {
  return new Map(keysThatDiffer(before, after).map((key) => [key, after.get(key) ?? null]))
}

async function warningsOf(validated: Validated): Promise<Problem[]> {
  return [...validated.warnings, ...(await validated.lint())]
}

/** What went wrong in the words of a refusal; errors of our own stay as they are. */
function refusalOf(error: unknown): unknown {
  if (error instanceof VersionConflict) return new WriteRefusal('stale', error.message, [], error.latest)
  if (error instanceof InvalidConfiguration) return new WriteRefusal('invalid', error.message, error.problems)
  if (error instanceof EditRefusal) return new WriteRefusal('conflict', error.message)
  if (error instanceof StoreRefusal) return new WriteRefusal(error.passing ? 'away' : 'conflict', error.message)
  // A text so deep that no parser can walk down.
  if (error instanceof RangeError) return new WriteRefusal('invalid', 'what was sent has too many levels')
  return error
}
