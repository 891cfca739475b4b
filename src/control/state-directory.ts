// Where the control plane keeps what must outlive the process: the last good copy, the history, the audit log.
import { dirname, join, resolve } from 'node:path'
import type { ControlConfig } from '../config/control-schema.ts'

/** `file`: the configuration file, absolute. null: nothing is kept on disk. */
export function stateDirectory(
  { directory, etcd }: ControlConfig,
  file: string,
  env: Readonly<Record<string, string | undefined>>,
): string | null {
  if (directory !== undefined) return resolve(dirname(file), directory)
  // systemd makes it, and names it (systemd.exec(5)); there may be several.
  const [given = ''] = (env['STATE_DIRECTORY'] ?? '').split(':')
  if (given !== '') return given
  return etcd === undefined ? null : join(dirname(file), '.sluice')
}
