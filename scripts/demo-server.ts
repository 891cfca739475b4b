// The demo upstream as a process of its own, for docker-compose.yml. It listens on all addresses of its container.
import { startDemoUpstream } from './demo-upstream.ts'

const server = await startDemoUpstream(Number(process.env['PORT'] ?? 9000), '0.0.0.0')

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    server.close()
    server.closeAllConnections()
  })
}
