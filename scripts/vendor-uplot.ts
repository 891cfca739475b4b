// Copies uPlot to where the dashboard serves it from: the page needs no build step and no other host.
// A test compares the copies with node_modules; run this after another version was installed.
import { copyFile, mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

const PACKAGE = new URL('../node_modules/uplot/', import.meta.url)
const TARGET = new URL('../src/admin/dashboard/uplot/', import.meta.url)

/** File of the package -> file beside the dashboard. */
export const VENDORED: readonly (readonly [URL, URL])[] = (
  [
    ['dist/uPlot.iife.min.js', 'uPlot.iife.min.js'],
    ['dist/uPlot.min.css', 'uPlot.min.css'],
    ['LICENSE', 'LICENSE'],
  ] as const
).map(([from, to]) => [new URL(from, PACKAGE), new URL(to, TARGET)])

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await mkdir(TARGET, { recursive: true })
  for (const [from, to] of VENDORED) await copyFile(from, to)
}
