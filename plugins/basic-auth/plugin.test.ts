import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { scryptSync } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { FAILED, NEXT } from '../../src/contract/plugin.ts'
import { instanceOf, replyHeader, requestOf } from '../../test/lab/plugin-exchange.ts'
import { readCredentials } from './credentials.ts'
import { readStoredPassword } from './password.ts'
import plugin from './plugin.ts'
import { Verifier } from './verifier.ts'
import { WorkQueue } from './work-queue.ts'

const SALT = Buffer.from('0123456789abcdef')

function stored(password: string, blockSize = 1): string {
  const hash = scryptSync(password, SALT, 32, { cost: 1024, blockSize, parallelization: 1 })
  return `scrypt:1024:${blockSize}:1:${SALT.toString('base64')}:${hash.toString('base64')}`
}

function basic(text: string | Buffer): string {
  return `Basic ${Buffer.from(text as string).toString('base64')}`
}

const USERS = [
  { name: 'anna', password: stored('open: sesame'), claims: { team: 'blue' } },
  { name: 'jürgen', password: stored('pässword', 2) },
  { name: 'žofie', password: stored('x'), consumer: 'zofie' },
  { name: 'empty', password: stored('') },
]

async function run(authorization: readonly string[], options: object = {}) {
  const instance = instanceOf(plugin, { users: USERS, ...options })
  const x = requestOf({ headers: authorization.flatMap((value) => ['Authorization', value]) })
  return { x, verdict: await instance.access!(x) }
}

describe('basic-auth', () => {
  it('knows its users, whatever their alphabet', async () => {
    for (const [text, consumer] of [
      ['anna:open: sesame', 'anna'],
      ['jürgen:pässword', 'jürgen'],
      ['jürgen:pässword'.normalize('NFD'), 'jürgen'],
      ['žofie:x', 'zofie'],
      ['empty:', 'empty'],
    ]) {
      const { x, verdict } = await run([basic(text!)])
      assert.deepEqual([verdict, x.consumer, x.hasHeader('authorization')], [NEXT, consumer, false])
    }
    assert.deepEqual((await run([basic('anna:open: sesame')])).x.claims, { team: 'blue' })
    assert.equal((await run([basic('anna:open: sesame')], { hide: false })).x.hasHeader('authorization'), true)
  })

  it('refuses all others with a challenge', async () => {
    const good = basic('anna:open: sesame')
    for (const authorization of [
      [],
      [''],
      ['Basic'],
      ['Basic '],
      ['Basic !!!'],
      [`Bearer ${good.slice(6)}`],
      [`${good}, ${good}`],
      [good, good],
      [basic('anna:open: Sesame')],
      [basic('anna')],
      [basic('ANNA:open: sesame')],
      [basic('nobody:open: sesame')],
      [basic('__proto__:x')],
      [basic('anna:open: sesame\0')],
      [basic(Buffer.from([97, 58, 0xff, 0xfe]))],
      [basic(`anna:${'x'.repeat(100_000)}`)],
    ]) {
      const { x, verdict } = await run(authorization, { realm: 'the "lab"' })
      assert.deepEqual([verdict, x.failure?.kind.status, x.consumer], [FAILED, 401, ''], authorization[0])
      assert.equal(replyHeader(x, 'www-authenticate'), String.raw`Basic realm="the \"lab\"", charset="UTF-8"`)
      assert.doesNotMatch(x.failure!.detail, /sesame/i)
    }
  })

  it('answers at once when it has checked the same a moment ago', async () => {
    const instance = instanceOf(plugin, { users: USERS })
    const ask = () => instance.access!(requestOf({ headers: ['authorization', basic('anna:open: sesame')] }))
    await ask()
    assert.equal(ask(), NEXT)
  })

  it('never remembers a wrong password, nor a right one without ttl', async () => {
    for (const [text, ttl] of [
      ['anna:wrong', 60_000],
      ['anna:open: sesame', 0],
    ] as const) {
      const instance = instanceOf(plugin, { users: USERS, ttl })
      const ask = () => instance.access!(requestOf({ headers: ['authorization', basic(text)] }))
      await ask()
      const again = ask()
      assert.ok(again instanceof Promise)
      await again
    }
  })

  it('refuses with 503 what finds no place in the queue', async () => {
    const instance = instanceOf(plugin, { users: USERS, concurrency: 1, queue: 1 })
    const requests = [1, 2, 3].map((i) => requestOf({ headers: ['authorization', basic(`anna:wrong ${i}`)] }))
    await Promise.all(requests.map(async (x) => instance.access!(x)))
    assert.deepEqual(
      requests.map(({ failure }) => failure!.kind.status),
      [401, 401, 503],
    )
  })

  it('refuses options that make no sense, without showing a password', () => {
    const good = stored('x')
    const wrong: (readonly [object[], RegExp])[] = [
      [[{ name: 'a', password: 'SECRET' }], /users\[0\].password is not scrypt/],
      [[{ name: 'a', password: good.replace('1024', '1000') }], /power of two/],
      [[{ name: 'a', password: good.replace('1024', '2') }], /power of two/],
      [[{ name: 'a', password: good.replace(':1:1:', ':0:1:') }], /r is from/],
      [[{ name: 'a', password: good.replace('1024:1:', '8388608:8:') }], /MiB/],
      [[{ name: 'a', password: good.replace(/:[^:]+:([^:]+)$/, ':AAAA:$1') }], /salt/],
      [[{ name: 'a', password: good.replace(/:[^:]+$/, ':AAAA') }], /hash/],
      [[{ name: 'a:b', password: good }], /colon/],
      [[{ name: 'ž', password: good }], /consumer/],
      [[USERS[0]!, USERS[0]!], /twice/],
    ]
    for (const [users, message] of wrong) {
      assert.throws(
        () => instanceOf(plugin, { users }),
        (error: Error) =>
          error instanceof TypeError && message.test(error.message) && !error.message.includes('SECRET'),
      )
    }
  })

  it('takes what the command of its page makes', async () => {
    const page = await readFile(new URL('../../docs/plugins/basic-auth.md', import.meta.url), 'utf8')
    const [, script = ''] = /node -e '([^']+)'/.exec(page)!
    const made = execFileSync(process.execPath, ['-e', script], { input: 'pässword\n' }).toString().trim()
    const users = [{ name: 'anna', password: made }]
    assert.equal((await run([basic('anna:pässword')], { users })).verdict, NEXT)
  })
})

describe('credentials', () => {
  it('split at the first colon', () => {
    assert.deepEqual(readCredentials(basic('a:b:c')), { name: 'a', password: 'b:c' })
    assert.deepEqual(readCredentials('bAsIc   ' + basic(':').slice(6)), { name: '', password: '' })
  })
})

describe('the verifier', () => {
  it('checks the same credentials once when they come together, and unknown names as well', async () => {
    let checks = 0
    class Counting extends WorkQueue {
      override run<T>(work: () => Promise<T>): Promise<T> | null {
        checks++
        return super.run(work)
      }
    }
    const users = new Map([['anna', readStoredPassword(stored('x'), '')]])
    const verifier = new Verifier(users, new Counting(4, 4), 60_000)
    const results = await Promise.all([1, 2, 3].map(async () => verifier.verify({ name: 'anna', password: 'x' })))
    assert.deepEqual([results, checks], [[true, true, true], 1])
    const unknown = ['nobody', 'a'].map(async (name) => verifier.verify({ name, password: 'x' }))
    assert.deepEqual(await Promise.all(unknown), [false, false])
    assert.equal(checks, 3)
  })
})

describe('the work queue', () => {
  it('runs no more at once than it may, in order, failures included', async () => {
    const queue = new WorkQueue(2, 10)
    let running = 0
    let most = 0
    const order: number[] = []
    const work = async (i: number): Promise<number> => {
      most = Math.max(most, ++running)
      order.push(i)
      await new Promise((resolve) => setImmediate(resolve))
      running--
      if (i % 3 === 0) throw new Error('failed')
      return i
    }
    const results = await Promise.allSettled([0, 1, 2, 3, 4, 5, 6].map(async (i) => queue.run(() => work(i))))
    assert.deepEqual([most, order], [2, [0, 1, 2, 3, 4, 5, 6]])
    assert.deepEqual(
      results.map(({ status }) => status === 'fulfilled'),
      [false, true, true, false, true, true, false],
    )
  })
})
