import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isRecord, parseDocument, readYaml, type ConfigDocument, type Path } from './document.ts'
import { ConfigLoader } from './loader.ts'
import { LARGE, parseLargeDocument } from './large-document.ts'
import { OutlinedDocument, outlineOf } from './outline.ts'

const TEXT = `# a comment
version: 1
listeners: [{ name: a, bind: "127.0.0.1:\${PORT}" }]
anchors: &a { x: 1, "10": [1, 2], "9": { empty: } }
again: *a
nothing:
upstreams:
  up: { endpoints: [{ url: http://h:1 }] }
  __proto__: { "quoted \\u00e9": [] }
routes:
${Array.from({ length: 1500 }, (_, i) => `  - name: r${i}\n    match: { path: "/a/${i}/{id}" }\n    upstream: \${UP}\n`).join('')}`
const ENV = { PORT: '8080', UP: 'up', OTHER: 'x' }

function* paths(value: unknown, at: Path = []): Generator<Path> {
  yield at
  yield [...at, 'not there']
  const names = Array.isArray(value) ? value.keys() : isRecord(value) ? Object.keys(value) : []
  for (const name of names) yield* paths((value as never)[name], [...at, name])
}

function assertAlike(a: ConfigDocument, b: ConfigDocument): void {
  assert.deepEqual(a.value, b.value)
  assert.deepEqual(a.problems, b.problems)
  for (const path of paths(b.value)) {
    assert.deepEqual(a.at(path), b.at(path), path.join('.'))
    assert.deepEqual(a.at(path, true), b.at(path, true), path.join('.'))
    assert.equal(a.isVariable(path), b.isVariable(path), path.join('.'))
  }
}

describe('a large document', () => {
  it('is the same from a thread of its own', async () => {
    assert.ok(TEXT.length > LARGE)
    const small = TEXT.slice(0, TEXT.indexOf('  - name: r9\n'))
    const read = readYaml(small, 'g.yaml', ENV)
    assertAlike(
      new OutlinedDocument('g.yaml', read.value, read.problems, outlineOf(read)),
      parseDocument(small, 'g.yaml', ENV),
    )
    const [large, here] = [await parseLargeDocument(TEXT, 'g.yaml', ENV), parseDocument(TEXT, 'g.yaml', ENV)]
    assert.ok(large instanceof OutlinedDocument, 'the thread answered')
    assert.deepEqual(large.value, here.value)
    for (const path of [
      ['routes', 1499, 'match', 'path'],
      ['upstreams', '__proto__'],
      ['again', '9', 'empty'],
    ])
      assert.deepEqual(large.at(path), here.at(path))
  })

  it('tells what is wrong with it', async () => {
    for (const text of [`${TEXT}  - [`, `${TEXT}  - \${NOT_SET}\n`, `${TEXT}version: 2\n`, `- a\n`]) {
      const large = await parseLargeDocument(text, 'g.yaml', ENV)
      assert.deepEqual(large.problems, parseDocument(text, 'g.yaml', ENV).problems)
      assert.deepEqual(large.at([]), parseDocument(text, 'g.yaml', ENV).at([]))
    }
  })

  it('is what the loader takes it for', async () => {
    const text = TEXT.replace(/anchors[^]*nothing:\n/, '').replace(/ {2}__proto__.*\n/, '')
    const loader = new ConfigLoader()
    const document = await loader.parse(text, 'g.yaml', ENV)
    assert.ok(document instanceof OutlinedDocument)
    const loaded = await loader.load({ document, shared: null, plugins: new Map() })
    assert.ok(loaded.ok)
    assert.equal(loaded.config.config.routes[1499]!.upstream, 'up')
    assert.equal(await loader.parse(text, 'g.yaml', ENV), document)
  })
})
