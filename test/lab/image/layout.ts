// Does what a build would do with our Dockerfile, into plain directories: one per stage. What comes with a base image is not
// there, but for Node, which is the one that runs the test.
import { execFile } from 'node:child_process'
import { chmod, copyFile, cp, mkdir, readFile } from 'node:fs/promises'
import { dirname, join, posix, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { copyOf, parseDockerfile, type Copy, type Stage } from './dockerfile.ts'
import { parseIgnore, type Ignore } from './ignore.ts'

const run = promisify(execFile)
export const CONTEXT = fileURLToPath(new URL('../../../', import.meta.url))

export interface Recipe {
  readonly stages: readonly Stage[]
  readonly ignored: Ignore
}

export async function readRecipe(): Promise<Recipe> {
  const [dockerfile, ignore] = await Promise.all(
    ['Dockerfile', '.dockerignore'].map((name) => readFile(join(CONTEXT, name), 'utf8')),
  )
  return { stages: parseDockerfile(dockerfile!), ignored: parseIgnore(ignore!) }
}

/** Builds every stage below `directory`; resolves with the root of the last one. Rejects when an instruction fails. */
export async function layOut({ stages, ignored }: Recipe, directory: string): Promise<string> {
  const roots = new Map<string, string>()
  let root = ''
  for (const [i, stage] of stages.entries()) {
    root = join(directory, `stage-${i}`)
    roots.set(stage.name, root)
    await mkdir(root, { recursive: true })
    if (stage.base.startsWith('node:')) await placeNode(root)
    await build(stage, root, roots, ignored)
  }
  return root
}

async function placeNode(root: string): Promise<void> {
  const node = join(root, 'usr/local/bin/node')
  await mkdir(dirname(node), { recursive: true })
  await copyFile(process.execPath, node)
  await chmod(node, 0o755)
}

async function build(stage: Stage, root: string, roots: ReadonlyMap<string, string>, ignored: Ignore): Promise<void> {
  let folder = '/'
  for (const instruction of stage.instructions) {
    if (instruction.keyword === 'WORKDIR') {
      folder = posix.resolve(folder, instruction.text)
      await mkdir(join(root, folder), { recursive: true })
    } else if (instruction.keyword === 'COPY') {
      await place(copyOf(instruction), root, folder, roots, ignored)
    } else if (instruction.keyword === 'RUN') {
      await run('sh', ['-c', instruction.text], { cwd: join(root, folder), env: await npmEnvironment() })
    }
  }
}

/** A folder's content goes into the target; a file becomes the target, or goes into it when its name ends with a slash. */
async function place(
  { from, sources, target }: Copy,
  root: string,
  folder: string,
  roots: ReadonlyMap<string, string>,
  ignored: Ignore,
): Promise<void> {
  const origin = from === '' ? CONTEXT : roots.get(from)
  if (origin === undefined) throw new Error(`there is no stage ${from}`)
  for (const source of sources) {
    const name = target.endsWith('/') ? posix.join(target, posix.basename(source)) : target
    const end = join(root, posix.resolve(folder, name))
    await mkdir(dirname(end), { recursive: true })
    const filter = (path: string): boolean => from !== '' || !ignored(relative(CONTEXT, path))
    await cp(join(origin, source), end, { recursive: true, verbatimSymlinks: true, filter })
  }
}

/**
 * Packages come from npm's cache where they are there: the set-up has just put them into it. npm looks for the machine's
 * settings beside its Node; under a Node of our own it must be told where the machine's are.
 */
async function npmEnvironment(): Promise<NodeJS.ProcessEnv> {
  const path = (process.env['PATH'] ?? '').split(':').filter((each) => !each.includes('/.runtime/'))
  const settings = await run('npm', ['config', 'get', 'globalconfig'], {
    env: { ...process.env, PATH: path.join(':') },
  })
    .then(({ stdout }) => stdout.trim())
    .catch(() => '')
  const { NODE_OPTIONS: _, ...rest } = process.env
  return {
    ...rest,
    npm_config_prefer_offline: 'true',
    npm_config_update_notifier: 'false',
    ...(settings === '' ? {} : { NPM_CONFIG_GLOBALCONFIG: settings }),
  }
}
