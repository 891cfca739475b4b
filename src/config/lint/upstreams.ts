// Upstreams that nothing uses, and times that contradict each other.
import type { Path } from '../document.ts'
import type { UpstreamConfig } from '../upstream-schema.ts'
import { formatUnit } from '../units.ts'
import type { Work } from '../work.ts'
import type { Subject } from './subject.ts'

export function* lintUpstreams(subject: Subject): Work<void> {
  const { upstreams = {}, routes } = subject.valid.config
  const used = new Set<string>()
  for (const { upstream, split = [] } of routes) {
    if (upstream !== undefined) used.add(upstream)
    for (const share of split) used.add(share.upstream)
  }
  for (const { fallback } of Object.values(upstreams))
    if (fallback !== undefined && 'upstream' in fallback) used.add(fallback.upstream)
  for (const [name, upstream] of Object.entries(upstreams)) {
    yield
    const path = ['upstreams', name]
    if (!used.has(name)) subject.warn(path, `no route, split or fallback names upstream "${name}"`, true)
    lintTimeouts(upstream, path, subject)
    lintRetries(upstream, path, subject)
    lintChecks(upstream, path, subject)
  }
}

function text(ms: number): string {
  return formatUnit('duration', ms)
}

/** Defaults are nobody's contradiction: only what was written counts. */
function lintTimeouts({ timeouts = {} }: UpstreamConfig, path: Path, subject: Subject): void {
  const { total } = timeouts
  if (total === undefined) return
  for (const key of ['connect', 'response', 'idle'] as const) {
    const at = [...path, 'timeouts', key]
    const limit = timeouts[key]
    if (limit !== undefined && limit > total && subject.written(at) !== undefined)
      subject.warn(at, `${text(limit)} never pass: total ends the request after ${text(total)}`)
  }
}

function lintRetries({ timeouts = {}, retries, hedge }: UpstreamConfig, path: Path, subject: Subject): void {
  const { total = Infinity, response = Infinity } = timeouts
  const wait = hedge?.after
  if (typeof wait === 'number' && wait >= Math.min(total, response))
    subject.warn(
      [...path, 'hedge', 'after'],
      `no second request is ever sent: the first one has ended after ${text(Math.min(total, response))}`,
    )
  if (retries === undefined) return
  const tried: readonly unknown[] = retries.on ?? []
  const { attempts = 1, perTry, backoff = 0, maxBackoff = Infinity } = retries
  const limit = Math.min(total, response)
  if (perTry !== undefined && perTry > limit)
    subject.warn(
      [...path, 'retries', 'perTry'],
      `${text(perTry)} never pass: timeouts.${total < response ? 'total' : 'response'} ends the try after ${text(limit)}`,
    )
  if (attempts === 0 || !tried.includes('timeout') || total === Infinity) return
  const each = Math.min(perTry ?? Infinity, response)
  let waits = 0
  for (let i = 0; i < attempts; i++) waits += Math.min(backoff * 2 ** i, maxBackoff)
  const begins = attempts * each + waits
  if (begins >= total)
    subject.warn(
      [...path, 'retries', 'attempts'],
      `after ${attempts} ${attempts === 1 ? 'try' : 'tries'} of ${text(each)} and the waits between them total (${text(total)}) is over: ` +
        'lower perTry or attempts',
    )
}

function lintChecks({ health }: UpstreamConfig, path: Path, subject: Subject): void {
  const { interval, timeout } = health ?? {}
  if (interval !== undefined && timeout !== undefined && timeout > interval) {
    const key = subject.written([...path, 'health', 'timeout']) === undefined ? 'interval' : 'timeout'
    subject.warn(
      [...path, 'health', key],
      `a check may take ${text(timeout)}, but the next one is due after ${text(interval)}`,
    )
  }
}
