import assert from 'node:assert/strict'
import { it } from 'node:test'
import { createLogger } from './logger.ts'

it('the log of the gateway hides secrets wherever they stand, and stays JSON', () => {
  const lines: string[] = []
  const log = createLogger('info', (_level, line) => void lines.push(line))
  const headers = { authorization: 'S3CRET "and\\ more', 'Set-Cookie': ['S3CRET', 'S3CRET'], accept: 'kept' }
  const err = Object.assign(new Error('cannot reach redis://user:S3CRET@host:1/'), { token: 'S3CRET' })
  log.error({ err, deep: { deeper: [{ headers }] }, password: 'S3CRET' }, 'failed')
  log.info({ deep: { headers: { authorization: headers.authorization, accept: 'kept' } } }, 'seen')
  assert.ok(!lines[1]!.includes('S3CRET') && lines[1]!.includes('kept'), lines[1])
  assert.ok(!lines[0]!.includes('S3CRET') && lines[0]!.includes('***@host'), lines[0])
  for (const line of lines) JSON.parse(line)
})
