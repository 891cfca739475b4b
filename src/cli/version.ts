import { readFile } from 'node:fs/promises'
import type { Command } from './command.ts'

export const version: Command = {
  name: 'version',
  usage: 'version',
  summary: 'print the version',
  help: 'Prints the version of Sluice and of the Node.js that runs it.',
  async run() {
    const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8')
    const { version: sluice } = JSON.parse(text) as { version: string }
    process.stdout.write(`sluice ${sluice} (node ${process.versions.node})\n`)
    return 0
  },
}
