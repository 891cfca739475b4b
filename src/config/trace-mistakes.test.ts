// What people write wrong about traces: the mark ‹ stands right before the place that the message must point to.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseDocument } from './document.ts'
import { loadConfig } from './load.ts'
import type { Problem } from './problem.ts'

const OTLP = 'otlp: { url: http://c:4318 }'

function problemsOf(traces: string): readonly Problem[] {
  const text = `version: 1
listeners: [{ name: a, bind: 127.0.0.1:0 }]
routes: [{ name: items, match: { path: /items }, respond: {} }]
observability: { traces: { ${traces} } }
`
  const loaded = loadConfig(parseDocument(text, 'g.yaml', {}), new Map())
  return loaded.ok ? [] : loaded.problems
}

const MISTAKES: readonly (readonly [string, string])[] = [
  ['otlp: { url: ‹collector }', 'is not a URL'],
  ['otlp: { url: ‹ftp://c }', 'is not an HTTP URL'],
  ['otlp: { url: ‹"http://u:S3CRET@c" }', 'belong into a header'],
  ['otlp: { url: ‹"http://c/#x" }', 'fragment'],
  ['otlp: { url: http://c, ‹header: {} }', 'did you mean "headers"?'],
  ['otlp: { url: http://c, headers: { ‹"x y": S3CRET } }', 'is not a header name'],
  ['otlp: { url: http://c, headers: { ‹Content-Type: S3CRET } }', 'writes Content-Type itself'],
  ['otlp: { url: http://c, headers: { x-key: ‹"S3CRET\\n" } }', 'characters that HTTP forbids'],
  ['otlp: { url: http://c, timeout: ‹5ms }', 'at least 100ms'],
  [`${OTLP}, ratio: ‹0.1`, 'such as 20%'],
  [`${OTLP}, ratio: ‹120%`, 'more than all of it'],
  [`${OTLP}, slow: ‹0ms`, 'ratio: 100%'],
  [`${OTLP}, trust: ‹proxyes`, 'did you mean "proxies"?'],
  [`${OTLP}, queue: ‹5`, 'from 64 to 65536'],
  [`${OTLP}, rules: [‹{ route: items }]`, '"share" is missing'],
  [`${OTLP}, rules: [{ route: ‹itmes, share: 1% }]`, 'did you mean "items"?'],
  [`${OTLP}, rules: [{ route: ‹zzz, share: 1% }]`, 'known: items'],
  [`${OTLP}, rules: [{ header: { ‹"x y": a }, share: 1% }]`, 'is not a header name'],
  [`${OTLP}, rules: [{ header: { x: { regex: ‹"(" } }, share: 1% }]`, 'linear time'],
  [`${OTLP}, rules: [{ baggage: { ‹"x y": a }, share: 1% }]`, 'is not a name of baggage'],
  [`${OTLP}, rules: [{ share: ‹101% }]`, 'more than all of it'],
  [`${OTLP}, rules: [{ header: {}, share: 1% }, ‹{ route: items, share: 2% }]`, 'rules[0] has no condition'],
  ['‹ratio: 1%', '"otlp" is missing'],
]

describe('mistakes about traces', () => {
  for (const [traces, words] of MISTAKES) {
    it(traces, () => {
      const problems = problemsOf(traces.replace('‹', ''))
      assert.equal(problems.length, 1, JSON.stringify(problems))
      const [{ line, column, message }] = problems as [Problem]
      assert.ok(message.includes(words), message)
      assert.ok(!message.includes('S3CRET'), message)
      // "is missing" points to the mapping, which begins before its first key.
      const before = 'observability: { traces: { '.length - (words.startsWith('"otlp"') ? 2 : 0)
      assert.deepEqual([line, column], [4, before + traces.indexOf('‹') + 1])
    })
  }

  it('are none in what the documentation shows', () => {
    assert.deepEqual(problemsOf(OTLP), [])
    const rules =
      'rules: [{ route: items, header: { x: { present: true } }, baggage: { k: v }, share: 100% }, { share: 0% }]'
    assert.deepEqual(problemsOf(`${OTLP}, ratio: 0.5%, ${rules}, errors: false, slow: 1s, trust: nobody`), [])
  })
})
