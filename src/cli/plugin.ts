// `sluice plugin new NAME [DIRECTORY]` and `sluice plugin test [DIRECTORY]`: a plugin of one's own, from its first line on.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { readArguments, UsageError, type Command } from './command.ts'

const DIRECTORY = 'my-plugins'
const SOURCE = new URL('../', import.meta.url).pathname

export const plugin: Command = {
  name: 'plugin',
  usage: 'plugin new NAME [DIRECTORY] | plugin test [DIRECTORY]',
  summary: 'Write a plugin that works, with a test; run the tests of plugins',
  help: `new   writes DIRECTORY/NAME/plugin.ts and a test beside it; DIRECTORY is ${DIRECTORY} unless it is said
test  runs every *.test.ts below DIRECTORY`,
  async run(argv) {
    const { positionals } = readArguments(argv, {})
    const [what, ...rest] = positionals
    if (what === 'new' && rest[0] !== undefined && rest.length <= 2) return write(rest[0], rest[1] ?? DIRECTORY)
    if (what === 'test' && rest.length <= 1) return test(rest[0] ?? DIRECTORY)
    throw new UsageError('expected "new NAME [DIRECTORY]" or "test [DIRECTORY]"')
  },
}

async function write(name: string, directory: string): Promise<number> {
  if (!/^[a-z][a-z0-9-]*$/.test(name)) {
    throw new UsageError(`"${name}" is no name of a plugin: a-z, 0-9 and "-", beginning with a letter`)
  }
  const folder = resolve(directory, name)
  if (existsSync(folder) || existsSync(`${folder}.ts`)) {
    process.stderr.write(`sluice plugin: ${relative('', folder)} exists already\n`)
    return 1
  }
  await mkdir(folder, { recursive: true })
  const files: [string, string][] = [
    [join(folder, 'plugin.ts'), pluginText(name)],
    [join(folder, 'plugin.test.ts'), testText(name)],
  ]
  const settings = resolve(directory, 'tsconfig.json')
  if (!existsSync(settings)) files.push([settings, settingsText()])
  for (const [file, text] of files) {
    await writeFile(file, text)
    process.stdout.write(`wrote ${relative('', file)}\n`)
  }
  process.stdout.write(`
In the configuration:

  pluginDirectories: [./${directory}]
  plugins: { ${name}: { greeting: hello } }

Its test: sluice plugin test ${directory}
`)
  return 0
}

async function test(directory: string): Promise<number> {
  if (!existsSync(resolve(directory))) {
    process.stderr.write(`sluice plugin: there is no directory ${directory}\n`)
    return 1
  }
  const hook = join(SOURCE, 'control/hook-public-face.ts')
  const flags = ['--disable-warning=ExperimentalWarning', '--import', hook, '--test', '--test-reporter=spec']
  const child = spawn(process.execPath, [...flags, `${resolve(directory)}/**/*.test.ts`], { stdio: 'inherit' })
  const [code] = (await once(child, 'exit')) as [number | null]
  return code ?? 1
}

function pluginText(name: string): string {
  return `import { definePlugin, NEXT, Type } from 'sluice/plugin'

export default definePlugin({
  name: '${name}',
  summary: 'What it does, in one line',
  phase: 'access',
  schema: Type.Object(
    {
      greeting: Type.String({ description: 'What the reply says in x-greeting' }),
    },
    { additionalProperties: false },
  ),
  // Once for each place in the configuration with options of its own.
  compile({ greeting }) {
    // For every request.
    return (x) => {
      if (x.path === '/greeting') return x.respond(200, ['content-type', 'text/plain'], greeting)
      x.setResponseHeader('x-greeting', greeting)
      return NEXT
    }
  },
})
`
}

function testText(name: string): string {
  return `import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { tryPlugin } from 'sluice/testing'
import plugin from './plugin.ts'

describe('${name}', () => {
  it('greets', async (test) => {
    const tried = await tryPlugin(plugin, { greeting: 'hello' })
    test.after(() => tried.stop())
    const request = await tried.request({ target: '/' })
    assert.equal(request.outcome, 'next')
    assert.equal(request.responseHeader('x-greeting'), 'hello')
    const greeting = await tried.request({ target: '/greeting' })
    assert.deepEqual([greeting.outcome, greeting.status, greeting.body], ['answered', 200, 'hello'])
  })
})
`
}

/** For editors; the gateway itself does not read it. */
function settingsText(): string {
  const settings = {
    compilerOptions: {
      target: 'esnext',
      module: 'esnext',
      moduleResolution: 'bundler',
      strict: true,
      noEmit: true,
      erasableSyntaxOnly: true,
      verbatimModuleSyntax: true,
      allowImportingTsExtensions: true,
      skipLibCheck: true,
      typeRoots: [join(SOURCE, '../node_modules/@types')],
      types: ['node'],
      paths: {
        'sluice/plugin': [join(SOURCE, 'contract/plugin.ts')],
        'sluice/testing': [join(SOURCE, 'contract/testing.ts')],
      },
    },
  }
  return JSON.stringify(settings, null, 2) + '\n'
}
