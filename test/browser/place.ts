// Where the tests of the dashboard go to: a gateway with an admin listener.
import { request as httpRequest } from 'node:http'
import type { TestContext } from 'node:test'
import { GatewayProcess } from '../lab/gateway.ts'
import { stablePort, startHttpUpstream } from '../lab/upstreams.ts'

/** Names are free text in the configuration: nothing of this may become an element of the page. */
export const HOSTILE = '<img src=x onerror="document.title=1">'

export interface Place {
  /** Of the admin listener; the same after it was away. */
  readonly url: string
  /** So many requests are answered by the route `hello`. */
  traffic(requests: number): Promise<void>
  /** A request to the route `slow` that ends with the test. */
  beginSlow(): Promise<void>
  /** The configuration file is replaced by one that is wrong in the name of an upstream. */
  breakConfiguration(): Promise<void>
  leave(): Promise<void>
  comeBack(): Promise<void>
}

export async function startGateway(test: TestContext, token: string): Promise<Place> {
  const port = await stablePort()
  const upstream = await startHttpUpstream(test, (request, response) => {
    if (request.url !== '/slow') response.end('hello\n')
  })
  const name = JSON.stringify(HOSTILE)
  const admin = token === '' ? '' : `, token: ${JSON.stringify(token)}`
  const yaml = (target: string): string => `version: 1
drainTimeout: 100ms
listeners: [{ name: main, bind: '127.0.0.1:0', engine: node }]
admin: { bind: '127.0.0.1:${port}'${admin} }
upstreams: { users: { endpoints: [{ url: '${upstream.url}' }] } }
routes:
  - { name: hello, match: { path: /hello }, upstream: ${target} }
  - { name: slow, match: { path: /slow }, upstream: users }
  - { name: ${name}, match: { path: /hostile }, respond: {} }
`
  let gateway = await GatewayProcess.start(test, yaml('users'))
  return {
    url: `http://127.0.0.1:${port}`,
    async traffic(requests) {
      const one = async (): Promise<void> => {
        await (await fetch(`http://127.0.0.1:${gateway.port('main')}/hello`)).text()
      }
      for (let left = requests; left > 0; left -= 20) await Promise.all(Array.from({ length: Math.min(20, left) }, one))
    },
    async beginSlow() {
      const request = httpRequest({ host: '127.0.0.1', port: gateway.port('main'), path: '/slow' })
      request.on('error', () => {})
      request.end()
      test.after(() => request.destroy())
      await upstream.until(() => upstream.seen.some(({ target }) => target === '/slow'), 'the slow request')
    },
    async breakConfiguration() {
      await gateway.configure(yaml(name))
      await gateway.waitForLog(({ msg }) => msg?.startsWith('configuration rejected') === true)
    },
    async leave() {
      await gateway.stop()
    },
    async comeBack() {
      gateway = await GatewayProcess.start(test, yaml('users'))
    },
  }
}
