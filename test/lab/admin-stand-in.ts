// The admin listener of a gateway that is not there: the same endpoints, with figures that the test decides about.
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname } from 'node:path'
import type { StatsReport } from '../../src/admin/stats-report.ts'
import type { UpstreamReport } from '../../src/upstreams/report.ts'
import { statsReport, upstreamReport } from './admin-reports.ts'

const FOLDER = new URL('../../src/admin/dashboard/', import.meta.url)
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** What it answers; a test changes it as it goes. */
export interface StandInReports {
  token: string
  stats: () => StatsReport
  upstreams: () => readonly UpstreamReport[]
  routes: readonly object[]
  snapshots: readonly object[]
  exchanges: () => readonly object[]
  explain: (query: URLSearchParams) => object
}

export class AdminStandIn {
  readonly reports: StandInReports = {
    token: '',
    stats: () => statsReport(),
    upstreams: () => [upstreamReport()],
    routes: [],
    snapshots: [],
    exchanges: () => [],
    explain: () => ({}),
  }
  /** Paths with their queries, as they were asked for. */
  readonly asked: string[] = []
  #server: Server | null = null
  #port = 0

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  /** On the port that it had before, if it had one. */
  async start(): Promise<void> {
    const server = createServer((request, response) => void this.#answer(request, response))
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(this.#port, '127.0.0.1', resolve)
    })
    this.#port = (server.address() as AddressInfo).port
    this.#server = server
  }

  stop(): void {
    this.#server?.close()
    this.#server?.closeAllConnections()
    this.#server = null
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url!, 'http://stand-in')
    this.asked.push(request.url!)
    response.setHeader('cache-control', 'no-store')
    if (pathname === '/' || pathname.startsWith('/dashboard/')) {
      await this.#file(pathname === '/' ? 'index.html' : pathname.slice('/dashboard/'.length), response)
      return
    }
    const { reports } = this
    if (reports.token !== '' && request.headers.authorization !== `Bearer ${reports.token}`) {
      refuse(response, 401, 'Unauthorized', 'a token is needed: Authorization: Bearer TOKEN')
      return
    }
    const report = this.#report(pathname, searchParams)
    if (report === null) {
      refuse(response, 404, 'Not Found', 'there is no such endpoint')
      return
    }
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(report))
  }

  #report(path: string, query: URLSearchParams): object | null {
    const { reports } = this
    if (path === '/admin/v1/stats') return reports.stats()
    if (path === '/admin/v1/upstreams') return { upstreams: reports.upstreams() }
    if (path === '/admin/v1/routes') return { routes: reports.routes }
    if (path === '/admin/v1/snapshots') return { snapshots: reports.snapshots }
    if (path === '/admin/v1/exchanges') return { exchanges: reports.exchanges() }
    return path === '/admin/v1/explain' ? reports.explain(query) : null
  }

  async #file(name: string, response: ServerResponse): Promise<void> {
    const text = name.includes('..') ? null : await readFile(new URL(name, FOLDER)).catch(() => null)
    if (text === null) {
      refuse(response, 404, 'Not Found', 'there is no such file')
      return
    }
    response.setHeader('content-type', TYPES[extname(name)] ?? 'application/octet-stream')
    response.setHeader('content-security-policy', "default-src 'self'; frame-ancestors 'none'")
    response.setHeader('x-content-type-options', 'nosniff')
    response.end(text)
  }
}

function refuse(response: ServerResponse, status: number, title: string, detail: string): void {
  response.writeHead(status, { 'content-type': 'application/problem+json' })
  response.end(JSON.stringify({ type: 'about:blank', title, status, detail }))
}
