// A client of etcd that fails fast, and is back as soon as etcd is.
import type { Etcd3 } from 'etcd3'

export interface EtcdOptions {
  /** `http://127.0.0.1:2379`; several are members of one cluster. */
  readonly hosts: readonly string[]
  readonly credentials?: { readonly username: string; readonly password: string } | null
  /** PEM. Hosts with https: that bring none are checked against the authorities that Node knows. */
  readonly tls?: { readonly ca?: Buffer; readonly certificate?: Buffer; readonly key?: Buffer } | null
}

/** ms for a read or a write; a watch has no such limit. A busy gateway must not take its own slowness for that of etcd. */
const DEADLINE = 5000
const GRPC = {
  // etcd closes connections that ask more often than every 5 s.
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5000,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2000,
  'grpc.max_receive_message_length': 16 * 1024 * 1024,
}

/** Connects when it is used first. */
export async function createEtcdClient({ hosts, credentials = null, tls = null }: EtcdOptions): Promise<Etcd3> {
  const [etcd3, cockatiel] = await Promise.all([import('etcd3'), import('cockatiel')]) // for those who use it
  const { ConstantBackoff, handleWhen, noop, retry } = cockatiel
  // Each member is tried once; the breakers that are the default stay open for seconds after etcd came back.
  const others = { maxAttempts: hosts.length - 1, backoff: new ConstantBackoff(1) }
  const global = hosts.length > 1 ? retry(handleWhen(etcd3.isRecoverableError), others) : noop
  return new etcd3.Etcd3({
    hosts: hosts.map(withPort),
    ...(credentials === null ? {} : { auth: { ...credentials } }),
    ...(tls === null ? {} : { credentials: pems(tls) }),
    grpcOptions: GRPC,
    defaultCallOptions: ({ isStream }) => (isStream ? {} : { deadline: Date.now() + DEADLINE }),
    faultHandling: { host: () => noop, global },
  })
}

/** gRPC takes 443 for the port that is not written, and a path for a part of the name. */
function withPort(text: string): string {
  const { protocol, host, port } = new URL(text)
  if (port !== '') return `${protocol}//${host}`
  return `${protocol}//${host}:${protocol === 'https:' ? 443 : 80}`
}

interface Pems {
  rootCertificate: Buffer
  privateKey?: Buffer
  certChain?: Buffer
}

function pems({ ca, certificate, key }: NonNullable<EtcdOptions['tls']>): Pems {
  return {
    rootCertificate: ca as Buffer, // may well be absent, whatever the types say: then Node's own are taken
    ...(key === undefined ? {} : { privateKey: key }),
    ...(certificate === undefined ? {} : { certChain: certificate }),
  }
}
