// Replies of upstreams that behave, that err and that lie: made from a grammar, then damaged. The same seed gives the same.

export interface Case {
  readonly method: 'GET' | 'HEAD'
  readonly bytes: Buffer
  readonly pieces: readonly Buffer[]
}

/** mulberry32 (Tommy Ettinger, public domain): numbers in [0, 1). */
export function random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

const STATUS_LINES = [
  'HTTP/1.1 200 OK',
  'HTTP/1.1 404 Not Found',
  'HTTP/1.1 200 ',
  'HTTP/1.0 200 OK',
  'HTTP/1.1 201 Créé',
]
const BODYLESS_LINES = ['HTTP/1.1 204 No Content', 'HTTP/1.1 304 Not Modified']
const ODD_LINES = [
  'HTTP/1.2 200 OK',
  'HTTP/2.0 200 OK',
  'HTTP/1.1  200 OK',
  'http/1.1 200 OK',
  'HTTP/1.1 20 OK',
  'HTTP/1.1 2000 OK',
]
const FIELDS = [
  'Server: test',
  'X-Empty:',
  'X-Spaces:   a b  ',
  'X-Tab:\ta\tb\t',
  'X-Latin: \xe9\xff',
  'Set-Cookie: a=1',
  'Set-Cookie: b=2',
  'Date: Sat, 21 Nov 2026 07:13:25 GMT',
  'ETag: "x:y"',
  'Content-Type: text/plain; charset=utf-8',
  'Connection: keep-alive',
  'Connection: close',
  'Connection: close, X-Named',
  'X-Named: 1',
  'Keep-Alive: timeout=5, max=100',
  "X-!#$%&'*+-.^_`|~: odd name",
]
const ODD_FIELDS = [
  'X A: space in name',
  ': no name',
  'X-A : space before colon',
  ' folded: line',
  'X-Nul: a\0b',
  'X-Bell: a\x07b',
  'X-Cr: a\rb',
  'X-Lf: a\nb',
  'X-Del: a\x7fb',
  'no colon',
  'Content-Length: 3',
  'Content-Length: +3',
  'Content-Length: 3, 3',
  'Content-Length: 99999999999999999999',
  'Content-Length:',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: chunked, chunked',
  'Transfer-Encoding: identity',
]
const INTERIM = [
  'HTTP/1.1 100 Continue\r\n\r\n',
  'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n',
  'HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
]
const CHUNK_ENDS = ['0\r\n\r\n', '0\r\nX-Trailer: 1\r\n\r\n', '000\r\n\r\n', '0;last\r\n\r\n']
const ODD_BYTES = ['\r', '\n', '\r\n', '\0', ' ', '\t', ':', ';', '0', '\x7f', '\xff', 'HTTP/1.1 200 OK\r\n\r\n']

export class Responses {
  readonly #next: () => number

  constructor(seed: number) {
    this.#next = random(seed)
  }

  next(): Case {
    const method = this.#chance(0.08) ? 'HEAD' : 'GET'
    let text = this.#response(method)
    while (this.#chance(0.35)) text = this.#damage(text)
    const bytes = Buffer.from(text, 'latin1')
    return { method, bytes, pieces: this.#split(bytes) }
  }

  #response(method: string): string {
    let head = ''
    while (this.#chance(0.06)) head += this.#one(INTERIM)
    const bodyless = this.#chance(0.08)
    head += (this.#chance(0.04) ? this.#one(ODD_LINES) : this.#one(bodyless ? BODYLESS_LINES : STATUS_LINES)) + '\r\n'
    const fields: string[] = []
    while (this.#chance(0.7)) fields.push(this.#one(FIELDS))
    if (this.#chance(0.12)) fields.push(this.#one(ODD_FIELDS))
    const payload = 'abcdefghij'.repeat(Math.floor(this.#next() * 12)).slice(Math.floor(this.#next() * 10))
    const kind = this.#next()
    let body = payload
    if (kind < 0.45) fields.push(`Content-Length: ${payload.length}`)
    else if (kind < 0.85) {
      fields.push(this.#chance(0.5) ? 'Transfer-Encoding: chunked' : 'transfer-encoding: Chunked')
      body = this.#chunked(payload)
    }
    fields.sort(() => this.#next() - 0.5)
    const follows = this.#chance(0.05) ? 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil' : ''
    if (bodyless || method === 'HEAD') body = ''
    return head + fields.map((field) => field + '\r\n').join('') + '\r\n' + body + follows
  }

  #chunked(payload: string): string {
    let text = ''
    for (let at = 0; at < payload.length;) {
      const size = 1 + Math.floor(this.#next() * 30)
      const chunk = payload.slice(at, at + size)
      const digits = this.#chance(0.5)
        ? chunk.length.toString(16)
        : chunk.length.toString(16).toUpperCase().padStart(3, '0')
      text += digits + (this.#chance(0.2) ? ';name=value' : '') + '\r\n' + chunk + '\r\n'
      at += size
    }
    return text + this.#one(CHUNK_ENDS)
  }

  #damage(text: string): string {
    const at = Math.floor(this.#next() * (text.length + 1))
    const kind = this.#next()
    if (kind < 0.3) return text.slice(0, at) + text.slice(at + 1)
    if (kind < 0.6) return text.slice(0, at) + this.#one(ODD_BYTES) + text.slice(at)
    if (kind < 0.75) return text.slice(0, at) + String.fromCharCode(Math.floor(this.#next() * 256)) + text.slice(at + 1)
    if (kind < 0.85) return text.slice(0, at) // cut
    const line = text.indexOf('\r\n', at)
    return line < 0 ? text : text.slice(0, line) + text.slice(line, line + 30) + text.slice(line)
  }

  #split(bytes: Buffer): Buffer[] {
    const cuts = [0, bytes.length]
    while (this.#chance(0.5)) cuts.push(Math.floor(this.#next() * (bytes.length + 1)))
    cuts.sort((a, b) => a - b)
    return cuts
      .slice(1)
      .map((cut, i) => bytes.subarray(cuts[i], cut))
      .filter((piece) => piece.length > 0)
  }

  #one<T>(list: readonly T[]): T {
    return list[Math.floor(this.#next() * list.length)]!
  }

  #chance(probability: number): boolean {
    return this.#next() < probability
  }
}
