// `scripts/start`: the gateway on config/gateway.yaml with a demo upstream, both in one go and both gone on Ctrl-C.
import { spawn } from 'node:child_process'
import { startDemoUpstream } from './demo-upstream.ts'

const ROOT = new URL('../', import.meta.url).pathname
const env = { PORT: '8080', UPSTREAM_PORT: '9000', ADMIN_PORT: '9901', ...process.env }

const upstream = await startDemoUpstream(Number(env.UPSTREAM_PORT)).catch((error: Error) => {
  process.stderr.write(
    `sluice: the demo upstream cannot start: ${error.message}; UPSTREAM_PORT=... chooses another port\n`,
  )
  process.exit(1)
})

const gateway = spawn(
  process.execPath,
  ['--disable-warning=ExperimentalWarning', `${ROOT}src/cli/main.ts`, 'run', '--config', `${ROOT}config/gateway.yaml`],
  { env, stdio: ['ignore', 'inherit', 'inherit'] },
)

gateway.on('exit', (code) => {
  upstream.close()
  upstream.closeAllConnections()
  process.exitCode = code ?? 1
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => gateway.kill('SIGTERM'))

const ready = await until(async () => (await fetch(`http://127.0.0.1:${env.ADMIN_PORT}/readyz`)).ok)
if (ready) {
  process.stderr.write(`
sluice: the gateway listens on http://127.0.0.1:${env.PORT}. Try:

  curl http://127.0.0.1:${env.PORT}/hello
  curl http://127.0.0.1:${env.PORT}/api/users/42?verbose=1
  curl -i http://127.0.0.1:${env.PORT}/old/page
  curl http://127.0.0.1:${env.ADMIN_PORT}/readyz
  scripts/sluice explain --config config/gateway.yaml GET /api/users/42

Edit config/gateway.yaml while it runs: changes take effect at once, mistakes change nothing. Ctrl-C ends it.

`)
}

/** Asks every 50 ms until it is so, the gateway is gone, or 10 s have passed. */
async function until(condition: () => Promise<boolean>): Promise<boolean> {
  for (let tries = 0; tries < 200 && gateway.exitCode === null; tries++) {
    if (await condition().catch(() => false)) return true
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return false
}
