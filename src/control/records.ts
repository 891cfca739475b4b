// What is kept of the past: the versions that served, and who did what.
import type { ControlConfig } from '../config/control-schema.ts'
import type { Logger } from '../telemetry/logger.ts'
import { AuditLog } from './audit.ts'
import type { ConfigAuthority } from './config-authority.ts'
import { ConfigHistory } from './history.ts'
import { stateDirectory } from './state-directory.ts'
import { ConfigWriter } from './writer.ts'

export interface Records {
  readonly history: ConfigHistory
  readonly audit: AuditLog
  readonly writer: ConfigWriter
}

/** In the directory that the first configuration names; another one counts from the next start on. */
export async function openRecords(
  { file, log }: { readonly file: string; readonly log: Logger },
  control: ControlConfig,
  authority: ConfigAuthority,
): Promise<Records> {
  const directory = stateDirectory(control, file, process.env)
  const [history, audit] = await Promise.all([
    ConfigHistory.open({ directory, log }),
    AuditLog.open({ directory, log }),
  ])
  return { history, audit, writer: new ConfigWriter(authority, history) }
}
