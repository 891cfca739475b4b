// Body transforms of several plugins, one behind the other.
import type { BodyStep, BodyTransform } from '../contract/body-transform.ts'
import type { Exchange } from '../contract/exchange.ts'
import type { Step } from '../contract/snapshot.ts'

/** What the plugins of a chain make of one body; null when none of them takes part. Throws what a step throws; `x.failedPlugin` then names it. */
export function openPipe(x: Exchange, steps: readonly Step<BodyStep>[]): BodyTransform | null {
  const links: Link[] = []
  for (const { plugin, run } of steps) {
    x.failedPlugin = plugin
    const transform = run(x)
    if (transform !== null) links.push({ plugin, transform })
  }
  x.failedPlugin = ''
  return links.length === 0 ? null : new Pipe(x, links)
}

interface Link {
  readonly plugin: string
  readonly transform: BodyTransform
}

/** Used only while `x` serves the request whose body this is. What a transform throws leaves its plugin in `x.failedPlugin`. */
class Pipe implements BodyTransform {
  readonly #x: Exchange
  readonly #links: readonly Link[]

  constructor(x: Exchange, links: readonly Link[]) {
    this.#x = x
    this.#links = links
  }

  chunk(bytes: Uint8Array): Uint8Array | null {
    let current: Uint8Array | null = bytes
    for (const link of this.#links) {
      current = this.#through(link, current)
      if (current === null) return null
    }
    return current
  }

  end(): Uint8Array | null {
    let current: Uint8Array | null = null
    for (const link of this.#links) current = this.#last(link, current)
    return current
  }

  /** Null also for an empty chunk: no transform is asked about nothing. */
  #through({ plugin, transform }: Link, bytes: Uint8Array): Uint8Array | null {
    let out: Uint8Array | null
    try {
      out = transform.chunk(bytes)
    } catch (error) {
      this.#x.failedPlugin = plugin
      throw error
    }
    return out === null || out.byteLength === 0 ? null : out
  }

  /** The last bytes of a transform that gets `bytes` before its end. */
  #last(link: Link, bytes: Uint8Array | null): Uint8Array | null {
    const before = bytes === null || bytes.byteLength === 0 ? null : this.#through(link, bytes)
    // It is valid only until the next call.
    const kept = before === null ? null : Buffer.from(before)
    let end: Uint8Array | null
    try {
      end = link.transform.end()
    } catch (error) {
      this.#x.failedPlugin = link.plugin
      throw error
    }
    if (kept === null) return end
    return end === null ? kept : Buffer.concat([kept, end])
  }
}
