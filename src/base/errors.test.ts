import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { ERRORS } from './errors.ts'

const KINDS = Object.values(ERRORS)
const PAGE = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')

/** The rows of the page, cells trimmed and without the marks of code. */
const ROWS = PAGE.split('\n')
  .filter((line) => line.startsWith('| `SLUICE_'))
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  )

describe('the table of errors', () => {
  it('is the page for readers, row by row', () => {
    const expected = KINDS.map(({ code, status, source, title }) => [code, String(status), source, title])
    assert.deepEqual(
      ROWS.map((row) => row.slice(0, 4)),
      expected,
    )
  })

  it('tells the reader what to do about each', () => {
    for (const row of ROWS) assert.ok((row.at(-1) ?? '').length > 20, `${row[0]} has no advice`)
  })

  it('has every code once, in one form', () => {
    assert.equal(new Set(KINDS.map(({ code }) => code)).size, KINDS.length)
    for (const { code } of KINDS) assert.match(code, /^SLUICE_[A-Z]+(_[A-Z]+)+$/)
  })

  it('has titles that do not end like sentences, each once', () => {
    assert.equal(new Set(KINDS.map(({ title }) => title)).size, KINDS.length)
    for (const { title } of KINDS) assert.match(title, /^[A-Z].*[^.]$/)
  })

  it('gives the client 4xx for its own faults and 5xx for ours, and 499 only to the log', () => {
    for (const { code, status, source } of KINDS) {
      // 501 is about a method that we lack: the client's choice, our limit.
      if (source === 'client') assert.ok((status >= 400 && status < 500) || status === 501, code)
      else assert.ok(status >= 500 && status < 600, code)
      assert.equal(status === 499, code === 'SLUICE_CLIENT_GONE')
    }
  })

  it('allows a retry only where the upstream failed', () => {
    for (const { code, retry, source } of KINDS) if (retry) assert.equal(source, 'upstream', code)
  })

  it('cannot be changed', () => {
    assert.ok(Object.isFrozen(ERRORS))
    for (const kind of KINDS) assert.ok(Object.isFrozen(kind), kind.code)
  })
})
