// Several processes that write to one pipe: no line is torn, however slow its reader is.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { describe, it } from 'node:test'

const WRITER = `
import { Logs } from ${JSON.stringify(new URL('logs.ts', import.meta.url).href)}
const [, writer] = process.argv
const logs = new Logs('info', { shared: true, fields: { worker: Number(writer) } })
const output = logs.open('stdout')
for (let i = 0; i < 3000; i++) {
  output.write('info', JSON.stringify({ writer, i, text: 'x'.repeat((i * 37) % 900) }) + '\\n')
  if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
}
logs.log.info({}, 'done')
await output.close()
await logs.close()
`

describe('a pipe that several processes write to', () => {
  it('has every line whole', async () => {
    // The shell gives all of them the same pipe.
    const writers = [1, 2, 3].map((n) => `node --input-type=module -e "$WRITER" ${n} &`).join(' ')
    const shell = spawn('sh', ['-c', `${writers} wait`], {
      env: { ...process.env, WRITER, PATH: `${process.execPath.replace(/\/node$/, '')}:${process.env['PATH']}` },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let text = ''
    shell.stdout.setEncoding('utf8')
    shell.stdout.on('data', (chunk: string) => {
      text += chunk
      // The pipe is full most of the time.
      shell.stdout.pause()
      setTimeout(() => shell.stdout.resume(), 1)
    })
    await new Promise((resolve) => shell.on('close', resolve))
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    const written = lines.filter(({ i }) => i !== undefined)
    assert.equal(written.length, 9000)
    assert.deepEqual(
      lines
        .filter(({ msg }) => msg === 'done')
        .map(({ worker }) => worker as number)
        .toSorted((a, b) => a - b),
      [1, 2, 3],
    )
  })
})
