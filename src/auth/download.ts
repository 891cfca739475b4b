// One small document from a host that may be slow, endless or silent. With node:http rather than fetch: with fetch, aborted
// by a timer, the failing hosts of remote-keys.test.ts hung now and then for ever when several runs shared the CPU.
import { get as getHttp, type ClientRequest, type IncomingMessage } from 'node:http'
import { get as getHttps } from 'node:https'

export interface Download {
  readonly text: Promise<string>
  /** Rejects `text` if it has not settled. */
  cancel(): void
}

/** Rejects on any status but 200, so also on a redirect, beyond `limit` bytes, and after `timeout` ms. */
export function download(url: string, timeout: number, limit: number): Download {
  let request: ClientRequest | null = null
  let fail = (_error: Error): void => {}
  const text = new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => fail(new Error(`no reply within ${timeout} ms`)), timeout)
    fail = (error) => {
      clearTimeout(timer)
      reject(error)
      request?.destroy()
    }
    const received = (reply: IncomingMessage): void =>
      read(reply, limit, fail, (whole) => {
        clearTimeout(timer)
        resolve(whole)
      })
    const get = url.startsWith('https:') ? getHttps : getHttp
    const headers = { accept: 'application/jwk-set+json, application/json' }
    request = get(url, { agent: false, headers }, received)
    request.on('error', (error) => fail(error))
  })
  return { text, cancel: () => fail(new Error('cancelled')) }
}

function read(reply: IncomingMessage, limit: number, fail: (error: Error) => void, done: (text: string) => void): void {
  if (reply.statusCode !== 200) return fail(new Error(`status ${reply.statusCode}`))
  const chunks: Buffer[] = []
  let size = 0
  reply.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size > limit) fail(new Error(`more than ${limit} bytes`))
    else chunks.push(chunk)
  })
  reply.on('error', (error) => fail(error))
  reply.on('end', () => {
    if (reply.complete) done(Buffer.concat(chunks).toString('utf8'))
    else fail(new Error('the reply was cut'))
  })
}
