// Where a gateway keeps what it wants to find again when it starts.
import { resolve } from 'node:path'
import type { ControlConfig } from '../config/control-schema.ts'

/** `base`: the directory of the configuration file. null: nothing is kept on disk. */
export function stateDirectory(
  control: ControlConfig | undefined,
  base: string,
  environment: Readonly<Record<string, string | undefined>>,
): string | null {
  if (control?.directory !== undefined) return resolve(base, control.directory)
  // systemd gives a list, one for each StateDirectory=.
  const [first = ''] = (environment['STATE_DIRECTORY'] ?? '').split(':')
  if (first !== '') return resolve(first)
  return control?.etcd === undefined ? null : resolve(base, '.sluice')
}
