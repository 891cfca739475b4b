// After a write: which gateway serves the new version, which refuses it, and which says nothing.
import { setTimeout as pause } from 'node:timers/promises'
import type { ConfigTarget, InstanceStatus } from './target.ts'

/** ms between two looks. */
const INTERVAL = 100

export interface Settled {
  readonly lines: readonly string[]
  /** Everybody serves it, whole. */
  readonly isServed: boolean
}

/** Looks until every instance has served or refused the version, or `wait` ms are over. */
export async function settle(target: ConfigTarget, version: number, wait: number): Promise<Settled> {
  const end = performance.now() + wait
  let fleet = await target.fleet()
  while (!fleet.every(({ seen }) => seen >= version) && performance.now() < end) {
    await pause(INTERVAL)
    fleet = await target.fleet()
  }
  if (fleet.length === 0) return { lines: ['no gateway has told which version it serves'], isServed: true }
  return {
    lines: fleet.map((status) => statusLine(status, version, wait)),
    isServed: fleet.every((status) => serves(status, version)),
  }
}

function serves({ version, error, state }: InstanceStatus, wanted: number): boolean {
  return version >= wanted && error === '' && state !== 'rejected'
}

function statusLine(status: InstanceStatus, wanted: number, wait: number): string {
  const { instance, version, seen, error } = status
  if (serves(status, wanted)) return `${instance}: serves version ${version}`
  if (status.state === 'unknown') return `${instance}: has not told what it serves after ${wait / 1000} s`
  if (version >= wanted)
    return `${instance}: serves version ${version}, but not all of it: ${error || 'no reason is given'}`
  if (seen >= wanted) return `${instance}: refuses version ${seen}, serves ${version}: ${error || 'no reason is given'}`
  return `${instance}: serves version ${version}, and has not looked at ${wanted} after ${wait / 1000} s`
}
