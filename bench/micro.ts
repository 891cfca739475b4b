// Every micro benchmark, one after the other, each in a process of its own.
//   scripts/bench micro
import { spawnSync } from 'node:child_process'

for (const name of ['router', 'chain', 'head', 'path', 'timers', 'limits', 'jwt', 'trace']) {
  console.log(`--- ${name}`)
  const script = new URL(`micro/${name}.ts`, import.meta.url).pathname
  const { status } = spawnSync(process.execPath, [...process.execArgv, script], { stdio: 'inherit' })
  if (status !== 0) process.exitCode = 1
}
