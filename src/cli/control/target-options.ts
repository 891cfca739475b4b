// Which configuration a verb is about: that of a gateway, through its admin API, or that in etcd.
import { ADMIN_HELP, ADMIN_OPTIONS, openAdmin, type AdminValues } from '../admin-options.ts'
import { formatProblem } from '../../config/problem.ts'
import { UsageError } from '../command.ts'
import { harmless } from '../top/cells.ts'
import { AdminTarget } from './admin-target.ts'
import { etcdSettings } from './etcd-options.ts'
import { TargetFailure, type ConfigTarget } from './target.ts'

const ETCD_OPTIONS = {
  etcd: { type: 'string' },
  prefix: { type: 'string' },
  'etcd-ca': { type: 'string' },
  'etcd-cert': { type: 'string' },
  'etcd-key': { type: 'string' },
  'etcd-user': { type: 'string' },
} as const

export const TARGET_OPTIONS = { ...ADMIN_OPTIONS, ...ETCD_OPTIONS } as const

export const TARGET_HELP =
  `Through the admin API of a gateway: --admin ADDRESS, --token-file FILE.\n${ADMIN_HELP}\n` +
  'In etcd: --etcd HOST:PORT[,HOST:PORT] --prefix /sluice/NAME; --etcd-ca FILE, --etcd-cert FILE and --etcd-key FILE\n' +
  'for TLS; --etcd-user NAME with the password in SLUICE_ETCD_PASSWORD.'

export type TargetValues = AdminValues & { readonly [K in keyof typeof ETCD_OPTIONS]?: string | undefined }

/** Throws UsageError. */
export async function openTarget(values: TargetValues): Promise<ConfigTarget> {
  if (values.etcd === undefined) {
    const stray = (['prefix', 'etcd-ca', 'etcd-cert', 'etcd-key', 'etcd-user'] as const).find(
      (option) => values[option] !== undefined,
    )
    if (stray !== undefined) throw new UsageError(`--${stray} belongs to --etcd HOST:PORT`)
    const { address, client } = await openAdmin(values)
    return new AdminTarget(address, client)
  }
  const both = (['admin', 'token-file'] as const).find((option) => values[option] !== undefined)
  if (both !== undefined) throw new UsageError(`--etcd and --${both} do not go together`)
  // Loaded by those who use it: it brings a client of etcd, and a whole gateway to validate with.
  const { EtcdTarget } = await import('./etcd-target.ts')
  return new EtcdTarget(etcdSettings(values.etcd, values))
}

/** Runs the verb, closes the target, and turns a failure into lines and an exit code. */
export async function withTarget(
  verb: string,
  values: TargetValues,
  work: (target: ConfigTarget) => Promise<number>,
  failed = 1,
): Promise<number> {
  const target = await openTarget(values)
  try {
    return await work(target)
  } catch (error) {
    if (!(error instanceof TargetFailure)) throw error
    printFailure(verb, error)
    return failed
  } finally {
    await target.close()
  }
}

export function printFailure(verb: string, { message, problems, hint }: TargetFailure): void {
  const lines = [...problems.map(formatProblem), `sluice ${verb}: ${message}`, ...(hint === '' ? [] : [hint])]
  process.stderr.write(lines.map((line) => `${harmless(line)}\n`).join(''))
}
