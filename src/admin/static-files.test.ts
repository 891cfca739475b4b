import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { StaticFiles } from './static-files.ts'

describe('static files', () => {
  it('are the fixed list of those that were there, each with its type', async (test) => {
    const directory = await mkdtemp(join(tmpdir(), 'sluice-static-'))
    test.after(() => rm(directory, { recursive: true, force: true }))
    await mkdir(join(directory, 'charts'))
    await writeFile(join(directory, 'index.html'), '<!doctype html>')
    await writeFile(join(directory, 'charts', 'chart.js'), 'let a')
    await writeFile(join(directory, 'notes.txt'), 'not for browsers')
    await symlink('/etc/hostname', join(directory, 'name.js'))
    const files = await StaticFiles.read(directory)
    await writeFile(join(directory, 'late.js'), 'too late')
    assert.deepEqual([...files.paths()].toSorted(), [
      '/',
      '/dashboard/',
      '/dashboard/charts/chart.js',
      '/dashboard/index.html',
    ])
    const { type, body, headers } = files.answer('/', '')
    assert.deepEqual([type, String(body as Buffer)], ['text/html; charset=utf-8', '<!doctype html>'])
    assert.equal(files.answer('/dashboard/charts/chart.js', '').type, 'text/javascript; charset=utf-8')
    const again = files.answer('/', headers!['etag']!)
    assert.deepEqual([again.status, again.body], [304, ''])
    assert.equal(files.answer('/', '"another"').status, undefined)
  })

  it('are none where there is no directory', async () => {
    const files = await StaticFiles.read('/nowhere/at/all')
    assert.deepEqual([...files.paths()], [])
    assert.equal(files.has('/'), false)
  })
})
