import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { readSources, ROOT } from './sources.ts'
import { faults, fileLinks } from './style.ts'

describe('the style', () => {
  it('holds for every source file', async () => {
    const texts = await readSources(['src', 'plugins', 'test', 'bench', 'scripts'], '.ts')
    assert.ok(texts.size > 80, 'the sources were found')
    assert.deepEqual(
      [...texts].flatMap(([file, text]) => faults(file, text)),
      [],
    )
  })

  it('lets no link of a document lead nowhere', async () => {
    const pages = await readSources(['docs', 'plugins', 'config'], '.md')
    for (const name of await readdir(ROOT)) {
      if (name.endsWith('.md')) pages.set(name, await readFile(new URL(name, ROOT), 'utf8'))
    }
    assert.ok(pages.has('README.md'))
    const broken = [...pages].flatMap(([page, text]) =>
      fileLinks(text)
        .filter((link) => !existsSync(new URL(link, new URL(page, ROOT))))
        .map((link) => `${page} -> ${link}`),
    )
    assert.deepEqual(broken, [])
  })
})

describe('the check of the style', () => {
  const good = "import { a } from './a.ts'\nexport const b = a\n"

  it('finds nothing in a good file', () => {
    assert.deepEqual(faults('src/base/b.ts', good), [])
  })

  it('finds long files', () => {
    assert.match(faults('src/base/b.ts', good.repeat(201))[0]!, /402 lines/)
    assert.deepEqual(faults('src/base/b.ts', good.repeat(200)), [])
  })

  it('finds marks of unfinished work', () => {
    for (const mark of ['T.ODO', 'F.IXME', 'X.XX']) {
      assert.match(faults('bench/b.ts', `${good}// ${mark.replace('.', '')}: later\n`)[0]!, /unfinished/)
    }
    assert.deepEqual(faults('bench/b.ts', `${good}const mask = 'XXXX'\n`), [])
  })

  it('finds tests that are left out', () => {
    for (const way of ['skip', 'only', 'todo']) {
      assert.match(faults('src/a.test.ts', `it.${way}('x', () => {})\n`)[0]!, /leaves tests out/)
      assert.match(faults('src/a.test.ts', `it('x', { ${way}: true }, () => {})\n`)[0]!, /leaves tests out/)
    }
    assert.deepEqual(faults('src/a.test.ts', "it('x', (t) => t.skip('why'))\n"), [])
  })

  it('finds the console in the gateway only', () => {
    const loud = `${good}console.log(b)\n`
    assert.match(faults('plugins/a/plugin.ts', loud)[0]!, /console/)
    assert.deepEqual(faults('bench/a.ts', loud), [])
  })

  it('finds barrels in every form', () => {
    const barrels = [
      "export * from './a.ts'\n",
      "// All of it.\nexport { a, b } from './a.ts'\nexport type { C } from './c.ts'\n",
      "export {\n  a,\n  b,\n} from './a.ts'\n",
      "import { a } from './a.ts'\nimport type { C } from './c.ts'\nexport { a }\nexport type { C }\n",
    ]
    for (const barrel of barrels) assert.match(faults('src/base/index.ts', barrel)[0]!, /only passes on/)
    assert.deepEqual(faults('src/base/b.ts', "import './a.ts'\nstart()\n"), [])
    assert.deepEqual(faults('src/contract/plugin.ts', barrels[0]!), [])
  })

  it('finds the links of a page that lead to files', () => {
    const page =
      'See [a](a.md), [b](../b.md#part "title"), [web](https://example.com), [here](#part), `[c](c.md)` and ![d](<d.png>).\n' +
      '```md\n[e](e.md)\n```\n[mail](mailto:a@example.com)'
    assert.deepEqual(fileLinks(page), ['a.md', '../b.md', 'd.png'])
  })
})
