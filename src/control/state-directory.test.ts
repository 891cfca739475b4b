import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { stateDirectory } from './state-directory.ts'

const ETCD = { etcd: { hosts: ['http://h:1'], prefix: '/a' } }

describe('the state directory', () => {
  it('is the configured one, that of systemd, or beside the file when there is an etcd', () => {
    const system = { STATE_DIRECTORY: '/var/lib/sluice:/var/lib/other' }
    assert.equal(stateDirectory({ ...ETCD, directory: 'state' }, '/etc/sluice', system), '/etc/sluice/state')
    assert.equal(stateDirectory({ directory: '/srv' }, '/etc/sluice', {}), '/srv')
    assert.equal(stateDirectory(undefined, '/etc/sluice', system), '/var/lib/sluice')
    assert.equal(stateDirectory(ETCD, '/etc/sluice', { STATE_DIRECTORY: '' }), '/etc/sluice/.sluice')
    assert.equal(stateDirectory({}, '/etc/sluice', {}), null)
    assert.equal(stateDirectory(undefined, '/etc/sluice', {}), null)
  })
})
