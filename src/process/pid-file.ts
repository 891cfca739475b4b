// The id of the first process in a file, for those who send it signals.
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'

/** In one step: nobody reads half a number. Throws when the file cannot be written. Returns what removes it. */
export function writePidFile(file: string): () => void {
  const text = `${process.pid}\n`
  writeFileSync(`${file}.${process.pid}`, text)
  renameSync(`${file}.${process.pid}`, file)
  return () => {
    try {
      if (readFileSync(file, 'utf8') === text) rmSync(file)
    } catch {
      // It is gone, or somebody else's.
    }
  }
}
