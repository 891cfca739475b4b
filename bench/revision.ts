// Another revision of this project beside the working tree, with the same dependencies; gone when the process ends.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const ROOT = new URL('..', import.meta.url).pathname

/** Returns its directory. Throws when git does not know the revision. */
export function checkOut(revision: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-revision-'))
  const tree = join(directory, 'tree')
  execFileSync('git', ['worktree', 'add', '--detach', tree, revision], { cwd: ROOT, stdio: 'ignore' })
  process.once('exit', () => {
    execFileSync('git', ['worktree', 'remove', '--force', tree], { cwd: ROOT, stdio: 'ignore' })
    rmSync(directory, { recursive: true, force: true })
  })
  symlinkSync(join(ROOT, 'node_modules'), join(tree, 'node_modules'))
  return tree
}
