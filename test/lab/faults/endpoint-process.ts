// A FaultyEndpoint in a process of its own, so that its work does not disturb the event loop of who measures. The same
// interface, with what it knows asked for over IPC. It never outlives its parent.
//
//   const endpoint = await EndpointProcess.start('a', { interval: 100 })
//   await endpoint.become({ kind: 'stall' })
//   const { requests, arrivals } = await endpoint.report()
//   await endpoint.close()
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { EndpointOptions } from './endpoint.ts'
import type { Fault } from './fault.ts'
import type { EndpointReport } from './ledger.ts'

/** To the child; each is answered with one Answer, in order. */
export type Command = { readonly become: Fault } | 'report'
export type Answer =
  { readonly port: number } | { readonly report: EndpointReport } | { readonly error: string } | 'done'

export class EndpointProcess {
  readonly name: string
  readonly port: number
  readonly #child: ChildProcess
  #last: Promise<unknown> = Promise.resolve()

  private constructor(name: string, port: number, child: ChildProcess) {
    this.name = name
    this.port = port
    this.#child = child
  }

  static async start(name: string, options: EndpointOptions = {}): Promise<EndpointProcess> {
    const child = fork(new URL('./endpoint-child.ts', import.meta.url), [name, JSON.stringify(options)])
    const { port } = (await answerOf(child)) as { port: number }
    return new EndpointProcess(name, port, child)
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  get pid(): number {
    return this.#child.pid!
  }

  /** Done when the fault is in force there. */
  async become(fault: Fault): Promise<void> {
    await this.#command({ become: fault })
  }

  async report(): Promise<EndpointReport> {
    return ((await this.#command('report')) as { report: EndpointReport }).report
  }

  async close(): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.disconnect()
    await ended
  }

  #command(command: Command): Promise<Answer> {
    const answer = this.#last.then(async () => {
      const answered = answerOf(this.#child)
      this.#child.send(command)
      return answered
    })
    this.#last = answer.catch(() => {})
    return answer
  }
}

async function answerOf(child: ChildProcess): Promise<Answer> {
  const ended = new AbortController()
  const exit = (): void => ended.abort(new Error('the endpoint process ended'))
  child.once('exit', exit)
  try {
    const [answer] = (await once(child, 'message', { signal: ended.signal })) as [Answer]
    if (typeof answer === 'object' && 'error' in answer) throw new Error(answer.error)
    return answer
  } finally {
    child.off('exit', exit)
  }
}
