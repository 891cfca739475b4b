// --etcd and what belongs to it, as the settings that a gateway has in `control.etcd`.
import { isRecord } from '../../config/document.ts'
import { ControlSchema, type EtcdSettings } from '../../config/control-schema.ts'
import { inspect } from '../../config/inspect.ts'
import { UsageError } from '../command.ts'

interface EtcdValues {
  readonly prefix?: string | undefined
  readonly 'etcd-ca'?: string | undefined
  readonly 'etcd-cert'?: string | undefined
  readonly 'etcd-key'?: string | undefined
  readonly 'etcd-user'?: string | undefined
}

/** Throws UsageError. */
export function etcdSettings(etcd: string, values: EtcdValues): EtcdSettings {
  const { prefix, 'etcd-ca': ca, 'etcd-cert': cert, 'etcd-key': key } = values
  if (prefix === undefined) throw new UsageError('--etcd needs --prefix /sluice/NAME')
  if ((cert === undefined) !== (key === undefined)) throw new UsageError('--etcd-cert and --etcd-key go together')
  const isSecure = ca !== undefined || cert !== undefined
  const written = {
    hosts: etcd.split(',').map((host) => (host.includes('://') ? host : `${isSecure ? 'https' : 'http'}://${host}`)),
    prefix,
    ...(isSecure ? { tls: { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) } } : {}),
    ...credentials(values['etcd-user']),
  }
  // The judge of the file is the judge here, too.
  const config = inspect(ControlSchema, { etcd: written }, [], (path, message) => {
    throw new UsageError(path.includes('hosts') ? `--etcd: ${message}` : `--${String(path.at(-1))}: ${message}`)
  })
  if (isRecord(config)) return config['etcd'] as EtcdSettings
  throw new UsageError('--etcd takes HOST:PORT[,HOST:PORT]')
}

function credentials(username: string | undefined): { auth?: NonNullable<EtcdSettings['auth']> } {
  if (username === undefined) return {}
  const password = process.env['SLUICE_ETCD_PASSWORD'] ?? ''
  if (password !== '') return { auth: { username, password } }
  throw new UsageError('--etcd-user needs the password in SLUICE_ETCD_PASSWORD')
}
