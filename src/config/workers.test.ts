import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseDocument } from './document.ts'
import { loadConfig } from './load.ts'

function problems(workers: string, bind = '127.0.0.1:0'): string[] {
  const text = `version: 1\nworkers: ${workers}\nlisteners: [{ name: a, bind: "${bind}" }]\nroutes: []\n`
  const loaded = loadConfig(parseDocument(text, 'g.yaml', {}), new Map())
  return loaded.ok ? [] : loaded.problems.map(({ key, message }) => `${key} ${message}`)
}

describe('the number of workers', () => {
  it('is 1 to 64, or one for each core', () => {
    for (const good of ['1', '2', '64', 'auto']) assert.deepEqual(problems(good), [])
    for (const bad of ['0', '-1', '65', '1.5', '"2"', 'atuo', '[]']) {
      const [problem = ''] = problems(bad)
      assert.match(problem, /^workers /, bad)
    }
    assert.match(problems('atuo')[0]!, /auto/)
  })

  it('must be 1 where a listener is a socket file', () => {
    assert.deepEqual(problems('1', 'unix:/tmp/a'), [])
    for (const several of ['2', 'auto'])
      assert.match(
        problems(several, 'unix:/tmp/a').join(),
        /listeners\[0\]\.bind .* workers cannot share; use host:port, or workers: 1/,
      )
  })
})
