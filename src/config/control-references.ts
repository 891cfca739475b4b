// What the schema of `control` cannot say: parts that need each other.
import { isRecord } from './document.ts'
import type { Report } from './inspect.ts'

export function checkControl(control: unknown, report: Report): void {
  const etcd = isRecord(control) ? control['etcd'] : undefined
  if (!isRecord(etcd) || !isRecord(etcd['tls'])) return
  const at = ['control', 'etcd', 'tls']
  const { cert, key } = etcd['tls']
  if (cert !== undefined && key === undefined) report([...at, 'cert'], 'a certificate needs its private key: "key"')
  if (key !== undefined && cert === undefined) report([...at, 'key'], 'a private key needs its certificate: "cert"')
  const hosts = Array.isArray(etcd['hosts']) ? (etcd['hosts'] as unknown[]) : []
  for (const [i, host] of hosts.entries()) {
    if (typeof host !== 'string' || !/^http:/i.test(host)) continue
    report(['control', 'etcd', 'hosts', i], `"${host}" is asked without TLS; with "tls" it must begin with https://`)
  }
}
