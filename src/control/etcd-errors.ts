// What an error of etcd means, in words that say what to do.

/** What every request to etcd may meet. */
export class EtcdFailure extends Error {
  readonly kind: 'away' | 'full' | 'denied' | 'credentials' | 'refused'

  constructor(kind: EtcdFailure['kind'], message: string, cause: Error) {
    super(message, { cause })
    this.kind = kind
  }
}

const AWAY =
  /UNAVAILABLE|DEADLINE_EXCEEDED|CANCELLED|Total timeout|ECONN|no leader|leader changed|request timed out|stopped/i

/** `hosts`: shown where etcd cannot be reached. */
export function explained(error: Error, hosts: readonly string[]): Error {
  if (error instanceof EtcdFailure) return error
  const { message } = error
  if (message.includes('database space exceeded')) {
    return new EtcdFailure(
      'full',
      'etcd is full and takes no writes: compact and defragment it, then "etcdctl alarm disarm"',
      error,
    )
  }
  if (message.includes('permission denied'))
    return new EtcdFailure('denied', 'etcd denies permission: the role of this user does not cover the prefix', error)
  if (/authentication failed|user name is empty|invalid auth token/.test(message))
    return new EtcdFailure(
      'credentials',
      `etcd does not accept the user name and password: ${lastPart(message)}`,
      error,
    )
  if (/request is too large|too many operations/.test(message))
    return new EtcdFailure('refused', `etcd refuses the request: ${lastPart(message)}`, error)
  if (AWAY.test(message))
    return new EtcdFailure('away', `etcd does not answer at ${hosts.join(', ')}: ${lastPart(message)}`, error)
  return error
}

export function isAway(error: Error): boolean {
  return error instanceof EtcdFailure ? error.kind === 'away' : AWAY.test(error.message)
}

/** gRPC puts its code before, and etcd its name. */
function lastPart(message: string): string {
  return message
    .replace(/^\d+ [A-Z_]+: /, '')
    .replace(/^etcdserver: /, '')
    .slice(0, 300)
}
