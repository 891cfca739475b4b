// What the log, the fleet and the metrics are told of configurations: what serves, what does not, and why.
import { formatProblem, type Problem } from '../config/problem.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { EtcdStore } from './etcd-store.ts'
import type { Membership } from './membership.ts'
import { InvalidConfiguration, type Validated } from './publish.ts'
import type { Reloads } from './reloads.ts'
import { Turns } from './turns.ts'

/** ms from a change until it is looked through for warnings: of ten thousand routes that costs more than a change does. */
const SETTLING = 1000

/** What serves, and what was offered last. */
interface Standing {
  readonly version: number
  readonly validated: Validated
  readonly store: EtcdStore | null
  /** Version that was offered last by the store; 0 without one. */
  readonly seen: number
}

export class Announcements {
  readonly #log: Logger
  readonly #reloads: Reloads
  readonly #membership: Membership
  /** Rejections that hold. */
  #rejected: ReadonlySet<string> = new Set()
  /** Warnings that hold. */
  #warnings: ReadonlySet<string> = new Set()
  #latest: Validated | null = null
  #settling: NodeJS.Timeout | null = null
  readonly #lints = new Turns(() => this.#tellWarnings())

  constructor(log: Logger, reloads: Reloads, membership: Membership) {
    this.#log = log
    this.#reloads = reloads
    this.#membership = membership
  }

  started(standing: Standing): void {
    this.#reloads.start()
    this.#tellFleet(standing, rejectionsOf(standing.validated))
  }

  reloaded(standing: Standing, why: string): void {
    const { version, validated } = standing
    const rejections = rejectionsOf(validated)
    this.#reloads.apply(rejections)
    this.#tellFleet(standing, rejections)
    this.#log.info({ version, routes: validated.valid.config.routes.length, why }, 'configuration reloaded')
  }

  /** All of it. `standing`: what serves on. */
  refused(error: unknown, standing: Standing): void {
    const problems = error instanceof InvalidConfiguration ? error.problems.map(formatProblem) : undefined
    this.#reloads.reject(problems ?? [String(error)])
    this.#tellFleet(standing, problems ?? [String(error)])
    this.#log.error(
      { problems, err: problems === undefined ? error : undefined },
      'configuration rejected; the last good one serves',
    )
  }

  /** What of it is left out, or not as it is written: each thing once for as long as it is so, as there may be hundreds of versions a second. */
  parts(validated: Validated): void {
    const told = new Set<string>()
    const tell = (fields: object, message: string): void => {
      const line = JSON.stringify([fields, message])
      told.add(line)
      if (!this.#rejected.has(line)) this.#log.error(fields, message)
    }
    for (const warning of validated.warnings)
      tell({ problem: formatProblem(warning) }, 'plugin file rejected; its last good version serves')
    for (const { key, kept, problems } of validated.rejected) {
      const fate = kept ? 'its last good form serves' : 'it is left out'
      tell({ item: key, problems: problems.map(formatProblem) }, `item rejected; ${fate}`)
    }
    this.#rejected = told
    this.#latest = validated
    this.#settling ??= setTimeout(() => {
      this.#settling = null
      void this.#lints.ask('')
    }, SETTLING)
    this.#settling.unref()
  }

  close(): void {
    if (this.#settling !== null) clearTimeout(this.#settling)
  }

  async #tellWarnings(): Promise<void> {
    const warnings = new Set((await this.#latest!.lint()).map(formatProblem))
    for (const problem of warnings)
      if (!this.#warnings.has(problem)) this.#log.warn({ problem }, 'configuration warning')
    this.#warnings = warnings
  }

  #tellFleet({ version, validated, store, seen }: Standing, errors: readonly string[]): void {
    this.#membership.tell(store, validated.valid.config, {
      version,
      state: errors.length === 0 ? 'serving' : 'rejected',
      errors,
      seen,
      since: this.#reloads.since,
    })
  }
}

/** Of items that `before` did not reject. */
export function newRejections({ rejected }: Validated, before: Validated | null): Problem[] {
  const known = new Set(before?.rejected.map(({ key }) => key))
  return rejected.filter(({ key }) => !known.has(key)).flatMap(({ problems }) => problems)
}

function rejectionsOf({ rejected }: Validated): string[] {
  return rejected.flatMap(({ problems }) => problems.map(formatProblem))
}
