import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { RE2JS } from 're2js'
import { BodyRefused, ERRORS, type BodyTransform } from '../../src/contract/plugin.ts'
import { LimitedMask } from './limited.ts'
import { TextMask } from './text-mask.ts'

const textMask = (pattern: string, window = 16) => new TextMask(RE2JS.compile(pattern), window, Buffer.from('***'))

function run(transform: BodyTransform, pieces: readonly Uint8Array[]): string {
  const out: Buffer[] = []
  for (const piece of pieces) {
    const lent = Buffer.from(piece)
    const given = transform.chunk(lent)
    if (given !== null) out.push(Buffer.from(given))
    lent.fill(0)
  }
  const last = transform.end()
  if (last !== null) out.push(Buffer.from(last))
  return Buffer.concat(out).toString()
}

const single = (text: string): Uint8Array[] => Array.from(Buffer.from(text), (byte) => Uint8Array.of(byte))

function check(pattern: string, text: string, expected: string): void {
  assert.equal(run(textMask(pattern), [Buffer.from(text)]), expected)
  assert.equal(run(textMask(pattern), single(text)), expected, 'byte by byte')
}

describe('masked text', () => {
  it('replaces matches, at the edges and across every chunk border', () => {
    check('sk_[a-z]+', 'sk_a bc sk_d', '*** bc ***')
    check('[0-9]{4}', '12345678', '******')
    check('ab', '', '')
    check('ab', 'a', 'a')
    check('secret', `${'x'.repeat(100)}secret${'y'.repeat(100)}`, `${'x'.repeat(100)}***${'y'.repeat(100)}`)
  })

  it('knows what stands before and behind a match', () => {
    check('\\bab\\b', 'xab ab abx ab', 'xab *** abx ***')
    check('^a', 'aa'.repeat(50), `***${'a'.repeat(99)}`)
    check('\\b12\\b', `${'x'.repeat(60)}12 12`, `${'x'.repeat(60)}12 ***`)
  })

  it('matches characters, not bytes, and leaves alone what is no UTF-8', () => {
    check('é.', 'aéß é', 'a*** é')
    const bytes = Buffer.concat([Buffer.from([0xff, 0xc3]), Buffer.from('ab'), Buffer.from([0x80])])
    const out = textMask('ab').chunk(bytes)
    assert.equal(out, null, 'it waits for more')
  })

  it('passes over matches of nothing', () => check('12|\\b', 'a 12 b', 'a *** b'))

  it('property: a split changes nothing, and no secret is left', () => {
    const text = fc.array(fc.constantFrom('sk_', 'sk_abcdef', 'é', ' ', 'xyz', '\n', 's', 'k_'), { maxLength: 40 })
    fc.assert(
      fc.property(text, fc.array(fc.nat(), { maxLength: 6 }), (words, cuts) => {
        const bytes = Buffer.from(words.join(''))
        const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length]
        const pieces = at.slice(1).map((end, i) => bytes.subarray(at[i], end))
        const out = run(textMask('sk_[a-z]{1,6}'), pieces)
        assert.equal(out, bytes.toString().replaceAll(/sk_[a-z]{1,6}/g, '***'))
      }),
    )
  })
})

describe('masks up to a size', () => {
  it('refuses the byte that is too much', () => {
    const mask = new LimitedMask([textMask('ab')], 4, ERRORS.bodyTooLarge)
    mask.chunk(Buffer.from('abcd'))
    assert.throws(() => mask.chunk(Buffer.from('e')), BodyRefused)
  })

  it('or lets the rest pass, with everything before it masked', () => {
    for (const split of [single, (text: string) => [Buffer.from(text)]]) {
      const mask = new LimitedMask([textMask('ab'), textMask('cd')], 6, null)
      assert.equal(run(mask, split('abxcd-ab-cd')), '***x***-ab-cd')
    }
  })

  it('gives every pattern the last bytes of the one before', () => {
    assert.equal(
      run(new LimitedMask([textMask('a'), textMask('b'), textMask('c')], 100, null), [Buffer.from('abc')]),
      '*********',
    )
  })
})
