// A redis-server for a run.
import { refusingPort } from '../../test/lab/upstreams.ts'
import { Process, until } from '../lab.ts'

export class RedisProcess extends Process {
  readonly port: number
  readonly url: string

  private constructor(port: number) {
    super('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'])
    this.port = port
    this.url = `redis://127.0.0.1:${port}`
  }

  /** `port` 0: any that is free. */
  static async start(port = 0): Promise<RedisProcess> {
    const redis = new RedisProcess(port === 0 ? await refusingPort() : port)
    await until(() => redis.output.includes('Ready to accept connections'), 'redis-server')
    return redis
  }
}
