// What serves when the file, the store and those who serve change and fail in turn. The store is a real etcd; those who serve
// only write down what they are given.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { openEtcd, type EtcdLink } from '../base/etcd-link.ts'
import type { Logger } from '../telemetry/logger.ts'
import { Metrics } from '../telemetry/metrics.ts'
import { EtcdServer } from '../../test/lab/etcd.ts'
import { until } from '../../test/lab/poll.ts'
import { temporaryDirectory } from '../../test/lab/store-probe.ts'
import { ControlPlane } from './control-plane.ts'
import { readFleet } from './fleet.ts'
import { InvalidConfiguration } from './publish.ts'
import { Reloads } from './reloads.ts'
import type { Candidate, Prepared, Serving } from './serving.ts'

const PREFIX = '/sluice/edge'
const log = { debug() {}, info() {}, warn() {}, error() {} } as unknown as Logger

class Recorder implements Serving {
  serves: Candidate | null = null
  offers = 0
  /** What stands in the way. */
  obstacle: (candidate: Candidate) => Promise<void> = () => Promise.resolve()

  async prepare(candidate: Candidate): Promise<Prepared> {
    this.offers++
    await this.obstacle(candidate)
    const activate = (): Promise<void> => {
      this.serves = candidate
      return Promise.resolve()
    }
    return { activate, discard: () => Promise.resolve() }
  }

  get routes(): string {
    return this.serves!.validated.valid.config.routes.map(({ name }) => name).join(' ')
  }
}

interface Lab {
  readonly etcd: EtcdServer
  readonly link: EtcdLink
  readonly file: string
}

async function laboratory(test: TestContext): Promise<Lab> {
  const etcd = await EtcdServer.start(test)
  const link = openEtcd({ hosts: [etcd.url] })
  test.after(() => link.close())
  return { etcd, link, file: join(await temporaryDirectory(test), 'gateway.yaml') }
}

const BASE = `version: 1
instance: one
listeners: [{ name: main, bind: '127.0.0.1:0' }]
`

function following({ etcd }: Lab, prefix = PREFIX, more = ''): string {
  return `${BASE}control: { directory: state, etcd: { hosts: ['${etcd.url}'], prefix: ${prefix} } }\n${more}`
}

/** All in one step. */
async function commit({ link }: Lab, names: readonly string[], prefix = PREFIX, marker = 'x'): Promise<number> {
  const items = names.map((name) => ({ put: `${prefix}/routes/${name}`, value: 'respond: {}' }))
  const { revision } = await link.transact({
    when: [],
    operations: [...items, { put: `${prefix}/commit`, value: marker }],
  })
  return revision
}

async function start(test: TestContext, file: string): Promise<{ plane: ControlPlane; serving: Recorder }> {
  const serving = new Recorder()
  const plane = planeOf(test, file, serving)
  await plane.start()
  return { plane, serving }
}

function planeOf(test: TestContext, file: string, serving: Recorder): ControlPlane {
  const reloads = new Reloads(new Metrics(), () => undefined)
  const addresses = () => ({ admin: null, listeners: [] })
  const plane = new ControlPlane({ file, builtIn: [], log, reloads, serving, addresses })
  test.after(() => plane.close())
  return plane
}

async function becomes(plane: ControlPlane, file: string, text: string): Promise<void> {
  await writeFile(file, text)
  await plane.reload()
}

/** As a plugin that does not take the options of this route. */
function refusing(route: string): Recorder['obstacle'] {
  return async ({ validated }) => {
    if (!validated.valid.config.routes.some(({ name }) => name === route)) return
    const file = `etcd:${PREFIX}/routes/${route}`
    throw new InvalidConfiguration([{ file, line: 1, column: 1, key: `routes/${route}.plugins.x`, message: 'no' }])
  }
}

async function statusOf({ link }: Lab, prefix = PREFIX): Promise<string> {
  const [member] = await readFleet(link, `${prefix}/`)
  return member === undefined ? 'nobody' : `${member.status?.state} ${member.status?.version}`
}

describe('a file that goes wrong beside a store', () => {
  for (const [what, text] of [
    ['is empty for a moment', ''],
    ['is no YAML', 'listeners: ['],
    ['is a list', '- version: 1'],
  ] as const)
    it(`and ${what} does not part what serves from its store`, async (test) => {
      const lab = await laboratory(test)
      await commit(lab, ['a'])
      await writeFile(lab.file, following(lab))
      const { plane, serving } = await start(test, lab.file)
      await becomes(plane, lab.file, text)
      assert.equal(serving.routes, 'a')
      await becomes(plane, lab.file, following(lab))
      assert.equal(serving.routes, 'a')
      await commit(lab, ['b'])
      await until(() => serving.routes === 'a b', 'the next commit')
    })

  it('and names another store, or none, does not lead there', async (test) => {
    const lab = await laboratory(test)
    await commit(lab, ['a'])
    await commit(lab, ['x'], '/sluice/other')
    await writeFile(lab.file, following(lab))
    const { plane, serving } = await start(test, lab.file)
    for (const wrong of [following(lab, '/sluice/other', 'nonsense: 1\n'), `${BASE}nonsense: 1\n`]) {
      await becomes(plane, lab.file, wrong)
      assert.equal(plane.store!.origin, `etcd:${PREFIX}/`)
      await becomes(plane, lab.file, following(lab))
      assert.equal(serving.routes, 'a')
    }
    await commit(lab, ['b'])
    await until(() => serving.routes === 'a b', 'the next commit')
    await becomes(plane, lab.file, following(lab, '/sluice/other'))
    assert.equal(serving.routes, 'x')
    assert.equal(await statusOf(lab), 'nobody', 'the fleet of before knows it no longer')
    await becomes(plane, lab.file, `${BASE}routes: [{ name: own, respond: {} }]\n`)
    assert.equal(serving.routes, 'own')
    assert.equal(plane.store, null)
  })

  it('does not keep from serving what others commit, and stays rejected', async (test) => {
    const lab = await laboratory(test)
    await commit(lab, ['a'])
    await writeFile(lab.file, following(lab))
    const { plane, serving } = await start(test, lab.file)
    await becomes(plane, lab.file, following(lab, PREFIX, 'nonsense: 1\n'))
    const version = await commit(lab, ['b'])
    await until(() => serving.routes === 'a b', 'the commit')
    await until(async () => (await statusOf(lab)) === `rejected ${version}`, 'the status')
    await becomes(plane, lab.file, following(lab, PREFIX, 'routes: [{ name: own, respond: {} }]\n'))
    assert.equal(serving.routes, 'own a b')
    await until(async () => (await statusOf(lab)) === `serving ${version}`, 'the status')
  })
})

describe('an etcd that has lost its data', () => {
  it('and comes to the same version again is told from what was before', async (test) => {
    const lab = await laboratory(test)
    const version = await commit(lab, ['a'])
    await writeFile(lab.file, following(lab))
    const { plane, serving } = await start(test, lab.file)
    await plane.withdraw() // its entry would count as well
    await lab.etcd.kill()
    await lab.etcd.wipe()
    await lab.etcd.run()
    assert.equal(await commit(lab, ['b'], PREFIX, 'y'), version)
    await until(() => serving.routes === 'b', 'what is there now')
    const { history } = plane.records!
    await until(() => history.textsOf(version)?.has('routes/b') === true, 'the history')
  })
})

describe('those who serve', () => {
  it('and fail for a while get what is committed all the same', async (test) => {
    const lab = await laboratory(test)
    await commit(lab, ['a'])
    await writeFile(lab.file, following(lab))
    const { serving } = await start(test, lab.file)
    let failures = 2
    serving.obstacle = async () => {
      if (failures-- > 0) throw new Error('every worker was lost')
    }
    await commit(lab, ['b'])
    await until(() => serving.routes === 'a b', 'the commit')
  })

  it('and refuse what served before the start leave it out', async (test) => {
    const lab = await laboratory(test)
    await commit(lab, ['a', 'b'])
    await writeFile(lab.file, following(lab))
    const first = await start(test, lab.file)
    await first.plane.close()
    const serving = new Recorder()
    serving.obstacle = refusing('a')
    const second = planeOf(test, lab.file, serving)
    await second.start()
    assert.equal(serving.routes, 'b')
    assert.equal(serving.offers, 3)
  })

  it('and refuse an item are offered it again when that is asked for', async (test) => {
    const lab = await laboratory(test)
    await commit(lab, ['a'])
    await writeFile(lab.file, following(lab))
    const { plane, serving } = await start(test, lab.file)
    serving.obstacle = refusing('b')
    await commit(lab, ['b', 'c'])
    await until(() => serving.routes === 'a c', 'the commit')
    await plane.reload()
    assert.equal(serving.routes, 'a c')
    serving.obstacle = () => Promise.resolve()
    await plane.reload()
    assert.equal(serving.routes, 'a b c')
  })

  it('and fail for a turn before a text is written through do not make that one fail', async (test) => {
    const file = join(await temporaryDirectory(test), 'gateway.yaml')
    const text = (name: string): string => `${BASE}routes: [{ name: ${name}, respond: {} }]\n`
    await writeFile(file, text('one'))
    const { plane, serving } = await start(test, file)
    const author = { author: 'ann', message: 'two' }
    const adopted: Promise<number>[] = []
    serving.obstacle = async () => {
      serving.obstacle = () => Promise.resolve()
      adopted.push(plane.adopt(text('two'), author))
      throw new Error('no address is free')
    }
    await plane.reload()
    assert.deepEqual(await Promise.all(adopted), [plane.version])
    assert.equal(serving.routes, 'two')
    assert.equal(plane.records!.history.newest!.author, 'ann')
  })

  it('and end are in the fleet no more, whatever is asked of them last', async (test) => {
    const lab = await laboratory(test)
    await commit(lab, ['a'])
    await writeFile(lab.file, following(lab))
    const { plane, serving } = await start(test, lab.file)
    await until(async () => (await statusOf(lab)).startsWith('serving'), 'the status')
    await plane.withdraw()
    serving.obstacle = async () => {
      throw new Error('the gateway stops')
    }
    await plane.reload()
    assert.equal((await plane.fleet()).instance, '')
    await plane.close()
    assert.equal(await statusOf(lab), 'nobody')
  })
})
