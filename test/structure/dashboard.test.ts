// The dashboard is plain files that a strict content security policy lets pass, and its chart library is the real one.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { VENDORED } from '../../scripts/vendor-uplot.ts'
import { readSources, ROOT } from './sources.ts'
import { faults } from './style.ts'

const FOLDER = 'src/admin/dashboard'

describe('the files of the dashboard', () => {
  it('have uPlot as it was installed (if not: node scripts/vendor-uplot.ts)', async () => {
    for (const [from, to] of VENDORED) {
      assert.deepEqual(await readFile(to), await readFile(from), to.pathname)
    }
  })

  it('keep to the style', async () => {
    const texts = await readSources([FOLDER], '.js')
    const own = [...texts].filter(([file]) => !file.includes('/uplot/'))
    assert.ok(own.length > 10, 'the modules were found')
    for (const [file, text] of own) {
      assert.deepEqual(faults(file, text), [])
      assert.doesNotMatch(text, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b/, file)
    }
  })

  it('have no script, style or handler in the page itself, and nothing of another host', async () => {
    const page = await readFile(new URL(`${FOLDER}/index.html`, ROOT), 'utf8')
    assert.doesNotMatch(page, /<style|\sstyle=|\son[a-z]+=|javascript:/i)
    assert.doesNotMatch(page, /(?:src|href)="(?:https?:)?\/\//)
    for (const [script] of page.matchAll(/<script[^>]*>[^]*?<\/script>/g)) {
      assert.match(script, /^<script src="[^"]+"[^>]*><\/script>$/)
    }
    const files = [...page.matchAll(/(?:src|href)="\/dashboard\/([^"]+)"/g)].map(([, file]) => file!)
    assert.ok(files.length >= 5)
    for (const file of files) assert.ok(existsSync(new URL(`${FOLDER}/${file}`, ROOT)), file)
    for (const [file, sheet] of await readSources([FOLDER], '.css')) {
      assert.doesNotMatch(sheet, /url\(|@import/, file)
      if (!file.includes('/uplot/')) assert.deepEqual(faults(file, sheet), [])
    }
  })
})
