import { VERSION } from '../base/version.ts'
import type { Command } from './command.ts'

export const version: Command = {
  name: 'version',
  usage: 'version',
  summary: 'print the version',
  help: 'Prints the version of Sluice and of the Node.js that runs it.',
  run() {
    process.stdout.write(`sluice ${VERSION} (node ${process.versions.node})\n`)
    return Promise.resolve(0)
  },
}
