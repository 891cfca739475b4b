// `scripts/start`: the gateway on config/gateway.yaml with a demo upstream. Both live in this one process, so that
// nothing is left behind whatever ends it. (Side by side on one core they slow each other down: not for measuring.)
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { run } from '../src/cli/run.ts'
import { startDemoUpstream } from './demo-upstream.ts'

const { PORT, UPSTREAM_PORT, ADMIN_PORT } = Object.assign(process.env, {
  PORT: process.env['PORT'] ?? '8080',
  UPSTREAM_PORT: process.env['UPSTREAM_PORT'] ?? '9000',
  ADMIN_PORT: process.env['ADMIN_PORT'] ?? '9901',
})

for (const [name, value] of Object.entries({ PORT, UPSTREAM_PORT, ADMIN_PORT })) {
  if (!/^[1-9]\d{0,4}$/.test(value) || Number(value) > 65_535) end(`${name}=${value} is not a port`)
  if (!(await isFree(Number(value)))) end(`port ${value} is in use; ${name}=... chooses another`)
}

// The terminal is gone, and the demo with it. The gateway itself would only reload.
process.on('SIGHUP', () => process.kill(process.pid, 'SIGTERM'))

await startDemoUpstream(Number(UPSTREAM_PORT))
void announce()
process.exitCode = await run.run(['--config', fileURLToPath(new URL('../config/gateway.yaml', import.meta.url))])

/** Waits until the gateway answers; one that cannot start ends the process before. */
async function announce(): Promise<void> {
  const ready = `http://127.0.0.1:${ADMIN_PORT}/readyz`
  const answers = (): Promise<boolean> =>
    fetch(ready)
      .then(({ ok }) => ok)
      .catch(() => false)
  while (!(await answers())) await new Promise((resolve) => setTimeout(resolve, 50))
  process.stderr.write(`
sluice: the gateway listens on http://127.0.0.1:${PORT}. Try:

  curl http://127.0.0.1:${PORT}/hello
  curl 'http://127.0.0.1:${PORT}/api/users/42?verbose=1'
  curl -N http://127.0.0.1:${PORT}/api/stream
  curl -i http://127.0.0.1:${PORT}/old/page
  curl ${ready}
  scripts/sluice explain --config config/gateway.yaml GET /api/users/42

Edit config/gateway.yaml while it runs: changes take effect at once, mistakes change nothing. Ctrl-C ends it.

`)
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer()
  return new Promise((resolve) => {
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}

function end(message: string): never {
  process.stderr.write(`sluice: ${message}\n`)
  process.exit(1)
}
