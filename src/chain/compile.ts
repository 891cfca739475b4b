// From resolved toggles to the steps of each phase. Runs on the control road.
import type { Phases } from '../contract/plugin.ts'
import type { Chain, Step, StepTiming } from '../contract/snapshot.ts'

/** What a chain needs of a plugin instance. */
export interface Link {
  readonly plugin: string
  readonly order: number
  readonly phases: Phases
  readonly timing: StepTiming
}

/** Instances in the order in which their steps run. */
export function inOrder<T extends { readonly plugin: string; readonly order: number }>(instances: readonly T[]): T[] {
  return instances.toSorted((a, b) => a.order - b.order || (a.plugin < b.plugin ? -1 : 1))
}

export function compileChain(instances: readonly Link[]): Chain {
  const ordered = inOrder(instances)
  return Object.freeze({
    access: steps(ordered, ({ access }) => access),
    request: steps(ordered, ({ request }) => request),
    response: steps(ordered, ({ response }) => response),
    log: steps(ordered, ({ log }) => log),
    // The last one, as among log steps.
    mask: ordered.findLast(({ phases }) => phases.mask !== undefined)?.phases.mask ?? null,
    requestBody: steps(ordered, ({ body }) => body?.request),
    responseBody: steps(ordered, ({ body }) => body?.response),
  })
}

function steps<Run>(instances: readonly Link[], of: (phases: Phases) => Run | undefined): Step<Run>[] | null {
  const found: Step<Run>[] = []
  for (const { plugin, phases, timing } of instances) {
    const run = of(phases)
    if (run !== undefined) found.push(Object.freeze({ plugin, run, timing }))
  }
  return found.length === 0 ? null : found
}
