// Takes the pictures of docs/dashboard.md anew. Chromium must be there: apt-get install chromium.
import { mkdir, writeFile } from 'node:fs/promises'
import { takePictures } from '../test/lab/dashboard-pictures.ts'

const FOLDER = new URL('../docs/images/', import.meta.url)

await mkdir(FOLDER, { recursive: true })
for (const { name, png } of await takePictures()) {
  await writeFile(new URL(`dashboard-${name}.png`, FOLDER), png)
  process.stdout.write(`wrote docs/images/dashboard-${name}.png\n`)
}
