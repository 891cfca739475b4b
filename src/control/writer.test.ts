// Changes of items that a shared store holds beside the file of a gateway.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ConfigAuthority, ConfigTexts } from './config-authority.ts'
import { InvalidConfiguration, validate, type Validated } from './publish.ts'
import { VersionConflict, type ConfigChange } from './shared-store.ts'
import { WriteRefusal } from './write-refusal.ts'
import { ConfigWriter, type WriteRequest } from './writer.ts'

const FILE = `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0' }]
control: { etcd: { hosts: ['http://127.0.0.1:2379'], prefix: /sluice/edge } }
routes:
  - { name: own, match: { path: /own }, respond: {} }
`
const ITEMS: ConfigTexts = new Map([
  ['routes/users', '# of the users\nmatch: { path: /users }\nupstream: users # the one\n'],
  ['upstreams/canary', 'endpoints: [{ url: http://b:1 }]\n'],
  ['upstreams/users', 'endpoints: [{ url: http://a:1 }]\n'],
])
const ASKED: WriteRequest = { base: null, dryRun: false, author: 'ann', message: 'm' }

/** A store in memory, and a gateway that serves what it holds. */
class Shared implements ConfigAuthority {
  version = 7
  validated!: Validated
  items: ConfigTexts = ITEMS
  readonly written: ConfigChange[] = []
  /** Others who write just before us. */
  rivals = 0
  readonly store = {
    place: 'etcd',
    shared: true,
    write: async (change: ConfigChange): Promise<number> => {
      if (this.rivals-- > 0) throw new VersionConflict(change.base, ++this.version)
      this.written.push(change)
      const next = new Map(this.items)
      for (const [key, text] of change.items)
        if (text === null) next.delete(key)
        else next.set(key, text)
      this.validated = await this.validate(next)
      this.items = next
      return ++this.version
    },
  }

  static async start(): Promise<Shared> {
    const shared = new Shared()
    shared.validated = await shared.validate(ITEMS)
    return shared
  }

  texts(): ConfigTexts {
    return this.items
  }

  async validate(items: ConfigTexts): Promise<Validated> {
    const validated = await validate(FILE, 'gateway.yaml', [], { shared: { origin: 'etcd:/sluice/edge/', items } })
    const problems = validated.rejected.flatMap((each) => each.problems)
    if (problems.length > 0) throw new InvalidConfiguration(problems)
    return validated
  }

  async served(): Promise<void> {}
}

async function start() {
  const shared = await Shared.start()
  return {
    shared,
    writer: new ConfigWriter(shared, {
      textsOf: (version) => (version === 7 ? ITEMS : version === 1 ? new Map([['file', FILE]]) : null),
    }),
  }
}

const refused = (kind: string) => (error: unknown) => error instanceof WriteRefusal && error.kind === kind

describe('a change of shared items', () => {
  it('of a route is one item, with its comments', async () => {
    const { shared, writer } = await start()
    const { version, changes } = await writer.patchRoute('users', { upstream: 'canary' }, ASKED)
    assert.deepEqual([version, changes.length, changes[0]!.after], [8, 1, 'canary'])
    const [{ base, items, author }] = shared.written as [ConfigChange]
    assert.deepEqual(
      [base, author, [...items]],
      [7, 'ann', [['routes/users', '# of the users\nmatch: { path: /users }\nupstream: canary # the one\n']]],
    )
    await writer.putRoute('new', { match: { path: '/n' }, respond: {} }, ASKED)
    await writer.deleteRoute('users', ASKED)
    assert.deepEqual(
      [...shared.items.keys()].toSorted((a, b) => (a < b ? -1 : 1)),
      ['routes/new', 'upstreams/canary', 'upstreams/users'],
    )
    await assert.rejects(writer.activate(1, ASKED), refused('conflict'))
    await writer.activate(7, ASKED)
    assert.deepEqual(new Map(shared.items), new Map(ITEMS))
  })

  it('does not touch what the file of the gateway has', async () => {
    const { shared, writer } = await start()
    await assert.rejects(writer.patchRoute('own', { priority: 1 }, ASKED), refused('conflict'))
    await assert.rejects(writer.patchRoute('nobody', {}, ASKED), refused('not-found'))
    const whole = (config: object) => writer.replace({ form: 'json', text: JSON.stringify(config) }, ASKED)
    const own = { name: 'own', match: { path: '/own' }, respond: {} }
    const users = { name: 'users', match: { path: '/users' }, upstream: 'users' }
    const upstreams = {
      users: { endpoints: [{ url: 'http://a:1' }] },
      canary: { endpoints: [{ url: 'http://b:1' }] },
    }
    await assert.rejects(whole({ routes: [users], upstreams }), refused('conflict'))
    await assert.rejects(whole({ routes: [own, users], upstreams, zone: 'a' }), refused('conflict'))
    assert.equal((await whole({ version: 1, routes: [own, users], upstreams })).written, false)
    const { canary: _, ...fewer } = upstreams
    const moved = { ...users, match: { path: '/people' } }
    const { changes } = await whole({ routes: [own, moved], upstreams: fewer })
    assert.deepEqual(
      changes.map(({ key, kind }) => `${kind} ${key}`).toSorted((a, b) => (a < b ? -1 : 1)),
      ['changed routes/users', 'removed upstreams/canary'],
    )
    assert.equal(shared.items.get('routes/users')!.includes('# the one'), true)
  })

  it('is made anew when somebody was faster, unless it is bound to a version', async () => {
    const { shared, writer } = await start()
    shared.rivals = 2
    assert.equal((await writer.patchRoute('users', { priority: 4 }, ASKED)).version, 10)
    shared.rivals = 1
    const bound = writer.patchRoute('users', { priority: 5 }, { ...ASKED, base: 10 })
    await assert.rejects(bound, refused('stale'))
    shared.rivals = 99
    await assert.rejects(writer.patchRoute('users', { priority: 6 }, ASKED), refused('stale'))
  })

  it('that is refused only where it should serve is told to be written', async () => {
    const { shared, writer } = await start()
    const problem = { file: 'etcd', line: 1, column: 1, key: 'routes/users', message: 'a plugin does not start' }
    shared.served = () => Promise.reject(new InvalidConfiguration([problem]))
    await assert.rejects(writer.patchRoute('users', { priority: 4 }, ASKED), (error: WriteRefusal) => {
      assert.deepEqual([error.kind, error.version, error.problems], ['invalid', 8, [problem]])
      return error.message.startsWith('written as version 8')
    })
  })

  it('waits in a queue that has an end', async () => {
    const { writer } = await start()
    const all = Array.from({ length: 40 }, (_, i) => writer.patchRoute('users', { priority: i + 1 }, ASKED))
    const results = await Promise.allSettled(all)
    const busy = results.filter((each) => each.status === 'rejected' && refused('busy')(each.reason))
    assert.ok(busy.length > 10 && results.length - busy.length >= 16)
  })
})
