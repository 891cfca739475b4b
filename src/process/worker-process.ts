// The supervisor's end of one worker process: what is said to it, what it answers, and how it ends.
import type { ChildProcess } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { performance } from 'node:perf_hooks'
import { Heartbeat, type Pulse } from './heartbeat.ts'
import type { FromWorker, ToWorker } from './messages.ts'
import { startProcess } from './start-process.ts'

export interface WorkerCommand {
  /** The file that a worker runs, and what stands after it. */
  readonly entry: string
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** Where it serves its admin API. */
  readonly admin: string
}

/** How a process has ended. */
export interface End {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export type AnswerType = FromWorker['type']
type AnswerOf<Type extends AnswerType> = Extract<FromWorker, { type: Type }>

/** It has ended, or hangs and is killed for it. */
export class WorkerLost extends Error {}

interface Question {
  readonly expected: readonly AnswerType[]
  readonly resolve: (answer: FromWorker) => void
  readonly reject: (error: WorkerLost) => void
}

export class WorkerProcess {
  readonly admin: string
  readonly ended: Promise<End>
  /** It runs, and can be assigned. Rejects with WorkerLost. */
  readonly greeted: Promise<void>
  /** Requests that it cut off when it stopped. */
  cut = 0
  readonly #child: ChildProcess
  #over = false
  #why: string | null = null
  #question: Question | null = null
  readonly #unsent = new Set<() => void>()
  #heartbeat: Heartbeat | null = null

  constructor({ entry, argv, env, admin }: WorkerCommand) {
    this.admin = admin
    this.#child = startProcess(process.execPath, [...process.execArgv, entry, ...argv], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced',
    })
    this.greeted = this.#expect('hello').then(() => {
      this.#heartbeat = new Heartbeat(() => void this.send({ type: 'ping' }), performance.now())
    })
    this.greeted.catch(() => {}) // who waits for it hears of it
    this.ended = new Promise((resolve) => {
      const end = (code: number | null, signal: NodeJS.Signals | null): void => {
        if (this.#over) return
        this.#over = true
        this.#lose()
        void rm(admin, { force: true })
        resolve({ code, signal })
      }
      this.#child.on('exit', end)
      this.#child.on('error', () => this.#child.pid === undefined && end(null, null)) // it could not be started
    })
    this.#child.on('message', (message) => this.#hear(message as FromWorker))
  }

  /** Makes it worker `number`, as soon as it listens. */
  assign(number: number): void {
    void this.greeted.then(
      () => this.send({ type: 'assign', number }),
      () => {},
    )
  }

  /** 0 when it could not be started. */
  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** It can be assigned at once. */
  get waits(): boolean {
    return this.#heartbeat !== null && !this.lost
  }

  /** It has ended, or will at once. */
  get lost(): boolean {
    return this.#over || this.#why !== null
  }

  /** Why it was killed from here; null when it was not. */
  get why(): string | null {
    return this.#why
  }

  /** Resolves when it is on its way, or nobody is there any more: a worker that reads nothing may be killed for it. */
  send(message: ToWorker): Promise<void> {
    if (this.lost || !this.#child.connected) return Promise.resolve()
    return new Promise((resolve) => {
      this.#unsent.add(resolve)
      // An error says that the worker is gone, and `exit` says that too.
      this.#child.send(message, () => {
        this.#unsent.delete(resolve)
        resolve()
      })
    })
  }

  /** Sends it and waits for one of these answers. One question at a time. Rejects with WorkerLost. */
  ask<Type extends AnswerType>(message: ToWorker, ...expected: readonly Type[]): Promise<AnswerOf<Type>> {
    const answer = this.#expect(...expected)
    void this.send(message)
    return answer
  }

  /** Ends it without counting that as a fault of its own. */
  end(): void {
    this.#child.kill('SIGKILL')
  }

  /** To be called every second. */
  look(): Pulse {
    return this.#heartbeat?.look(performance.now()) ?? 'fine'
  }

  /** It is not waited for any more. `why`: the reason to be counted. */
  kill(why: string): void {
    if (this.#over) return
    this.#why ??= why
    this.#child.kill('SIGKILL')
    this.#lose()
  }

  #expect<Type extends AnswerType>(...expected: readonly Type[]): Promise<AnswerOf<Type>> {
    return new Promise((resolve, reject) => {
      if (this.lost) return reject(new WorkerLost('the worker is gone'))
      this.#question = { expected, resolve: resolve as (answer: FromWorker) => void, reject }
    })
  }

  #hear(message: FromWorker): void {
    if (message.type === 'pong') return this.#heartbeat?.answered()
    if (message.type === 'stopped') this.cut = message.cut
    const question = this.#question
    if (question === null || !question.expected.includes(message.type)) return
    this.#question = null
    question.resolve(message)
  }

  #lose(): void {
    for (const resolve of this.#unsent) resolve()
    this.#unsent.clear()
    const question = this.#question
    this.#question = null
    question?.reject(new WorkerLost('the worker is gone'))
  }
}
