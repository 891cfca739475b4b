// A redis-server for a run.
import { createServer, type AddressInfo } from 'node:net'
import { Process, until } from '../lab.ts'

export class RedisProcess extends Process {
  readonly url: string

  private constructor(port: number) {
    super('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'])
    this.url = `redis://127.0.0.1:${port}`
  }

  static async start(): Promise<RedisProcess> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    await new Promise((resolve) => server.close(resolve))
    const redis = new RedisProcess(port)
    await until(() => redis.output.includes('Ready to accept connections'), 'redis-server')
    return redis
  }
}
