import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseDocument } from './document.ts'
import { loadConfig } from './load.ts'

const HEAD = 'version: 1\nlisteners: [{ name: a, bind: 127.0.0.1:0 }]\nroutes: []\n'

function problems(text: string): string[] {
  const loaded = loadConfig(parseDocument(HEAD + text, 'a.yaml', {}), new Map())
  return loaded.ok ? [] : loaded.problems.map(({ key, message }) => `${key}: ${message}`)
}

describe('control', () => {
  it('takes an etcd with certificates and a password, a directory and a name', () => {
    assert.deepEqual(
      problems(
        'instance: gw-1\ncontrol:\n  directory: ./state\n  etcd:\n    hosts: [https://10.0.0.1:2379, https://10.0.0.2:2379]\n' +
          '    prefix: /sluice/edge\n    tls: { ca: ca.pem, cert: client.pem, key: client.key }\n    auth: { username: gw, password: secret }\n',
      ),
      [],
    )
  })

  for (const [text, message] of [
    ['control: { etcd: { hosts: [http://h:1] } }', /"prefix" is missing/],
    ['control: { etcd: { hosts: [], prefix: /a } }', /the list is empty/],
    ['control: { etcd: { hosts: ["h:1"], prefix: /a } }', /not an origin/],
    ['control: { etcd: { hosts: [http://h:1], prefix: /a/ } }', /write "\/a"/],
    ['control: { etcd: { hosts: [http://h:1], prefix: a } }', /such as \/sluice\/edge/],
    ['control: { etcd: { hosts: [http://h:1], prefix: / } }', /such as \/sluice\/edge/],
    ['control: { etcd: { hosts: [http://h:1], prefix: /a b } }', /such as \/sluice\/edge/],
    ['control: { etcd: { hosts: [https://h:1], prefix: /a, tls: { cert: c } } }', /needs its private key/],
    ['control: { etcd: { hosts: [https://h:1], prefix: /a, tls: { key: c } } }', /needs its certificate/],
    ['control: { etcd: { hosts: [http://h:1], prefix: /a, tls: {} } }', /must begin with https/],
    ['control: { etcd: { hosts: [http://h:1], prefix: /a, auth: { username: u } } }', /"password" is missing/],
    ['control: { etcd: { hosts: [http://h:1], prefix: /a, auth: { username: u, password: 5 } } }', /put it in quotes$/],
    ['control: { directory: "" }', /empty/],
    ['instance: a/b', /letters, digits/],
    ['instance: ""', /letters, digits/],
  ] as const) {
    it(`refuses ${text}`, () => {
      const [problem, ...others] = problems(text)
      assert.match(problem ?? '', message)
      assert.deepEqual(others, [])
    })
  }
})
