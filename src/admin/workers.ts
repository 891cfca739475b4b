// The processes that serve: of a gateway that is one process, itself.
import { json } from './answer.ts'
import type { Resource } from './resource.ts'
import type { StatsReport, WorkerStats } from './stats-report.ts'

export const workers: Resource = {
  method: 'GET',
  path: '/admin/v1/workers',
  summary: 'the processes that serve, and what each one takes',
  access: 'read',
  parameters: [],
  handle: async (_call, state) => json({ workers: [self(await state.stats())] }),
}

function self({ pid, configuration, requests, process: { cpu, resident, loopLag } }: StatsReport): WorkerStats {
  return {
    number: 1,
    pid,
    state: 'ready',
    restarts: 0,
    stale: false,
    version: configuration.version,
    requests: requests.total,
    inFlight: requests.inFlight,
    cpu,
    resident,
    loopLag,
  }
}
