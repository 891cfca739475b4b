// From resolved toggles to the steps of each phase. Runs on the control road.
import type { Chain, Step } from '../contract/snapshot.ts'
import type { Phases } from '../contract/plugin.ts'

/** One plugin with its options, compiled. */
export interface PluginInstance {
  readonly plugin: string
  readonly order: number
  readonly phases: Phases
}

/** Instances in the order in which their steps run. */
export function inOrder<T extends { readonly plugin: string; readonly order: number }>(instances: readonly T[]): T[] {
  return instances.toSorted((a, b) => a.order - b.order || (a.plugin < b.plugin ? -1 : 1))
}

export function compileChain(instances: readonly PluginInstance[]): Chain {
  const ordered = inOrder(instances)
  return Object.freeze({
    access: steps(ordered, 'access'),
    request: steps(ordered, 'request'),
    response: steps(ordered, 'response'),
    log: steps(ordered, 'log'),
  })
}

type Phase = 'access' | 'request' | 'response' | 'log'

function steps<P extends Phase>(instances: readonly PluginInstance[], phase: P): Step<NonNullable<Phases[P]>>[] | null {
  const found: Step<NonNullable<Phases[P]>>[] = []
  for (const { plugin, phases } of instances) {
    const run = phases[phase]
    if (run !== undefined) found.push(Object.freeze({ plugin, run }))
  }
  return found.length === 0 ? null : found
}
