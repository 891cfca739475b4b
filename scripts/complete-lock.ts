// Completes package-lock.json after dependencies have changed; `--check` only says what is missing (exit 1).
// A registry without the binaries of other platforms leaves their entries out, and then `npm ci` refuses the file.
// Version and place of such an entry follow from the package that asks for it, os, cpu and libc from its name. There is
// no digest, as nobody here has seen the package; npm adds none for packages that it does not fetch.
import { readFile, writeFile } from 'node:fs/promises'
import { missingEntries, withEntries, type LockFile } from './lock-file.ts'

const FILE = new URL('../package-lock.json', import.meta.url)
const lock = JSON.parse(await readFile(FILE, 'utf8')) as LockFile
const missing = missingEntries(lock)

if (process.argv.includes('--check')) {
  for (const path of missing.keys()) process.stderr.write(`package-lock.json lacks ${path}\n`)
  if (missing.size > 0) process.stderr.write('run "node scripts/complete-lock.ts"\n')
  process.exitCode = missing.size > 0 ? 1 : 0
} else {
  await writeFile(FILE, JSON.stringify(withEntries(lock, missing), null, 2) + '\n')
  process.stdout.write(`added ${missing.size} entries to package-lock.json\n`)
}
