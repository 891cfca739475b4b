// What endpoint-process.ts starts: NAME OPTIONS, then commands over IPC. Ends when the parent is gone.
import { FaultyEndpoint, type EndpointOptions } from './endpoint.ts'
import type { Answer, Command } from './endpoint-process.ts'

const [name, options] = process.argv.slice(2)
const endpoint = await FaultyEndpoint.start(name!, JSON.parse(options!) as EndpointOptions)

function say(answer: Answer): void {
  process.send!(answer)
}

async function obey(command: Command): Promise<Answer> {
  if (command === 'report') return { report: endpoint.report() }
  await endpoint.become(command.become)
  return 'done'
}

process.on('message', (command: Command) => {
  obey(command).then(say, (error: unknown) => say({ error: String(error) }))
})
process.once('disconnect', () => process.exit())
say({ port: endpoint.port })
