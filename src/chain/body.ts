// Body transforms of several plugins, one behind the other.
import type { BodyStep, BodyTransform } from '../contract/body-transform.ts'
import type { Exchange } from '../contract/exchange.ts'
import type { Step } from '../contract/snapshot.ts'

/** What the plugins of a chain make of one body; null when none of them takes part. Throws what a step throws; `x.failedPlugin` then names it. */
export function openPipe(x: Exchange, steps: readonly Step<BodyStep>[]): BodyTransform | null {
  const transforms: BodyTransform[] = []
  for (const step of steps) {
    x.failedPlugin = step.plugin
    const transform = step.run(x)
    if (transform !== null) transforms.push(transform)
  }
  x.failedPlugin = ''
  if (transforms.length === 0) return null
  return transforms.length === 1 ? transforms[0]! : new Pipe(transforms)
}

class Pipe implements BodyTransform {
  readonly #transforms: readonly BodyTransform[]

  constructor(transforms: readonly BodyTransform[]) {
    this.#transforms = transforms
  }

  chunk(bytes: Uint8Array): Uint8Array | null {
    let current: Uint8Array | null = bytes
    for (const transform of this.#transforms) {
      current = transform.chunk(current)
      if (current === null) return null
    }
    return current
  }

  end(): Uint8Array | null {
    let current: Uint8Array | null = null
    for (const transform of this.#transforms) current = joined(current, transform)
    return current
  }
}

/** The last bytes of a transform that gets `last` before its end. */
function joined(last: Uint8Array | null, transform: BodyTransform): Uint8Array | null {
  const before = last === null ? null : transform.chunk(last)
  // It is valid only until the next call.
  const kept = before === null ? null : Buffer.from(before)
  const end = transform.end()
  if (kept === null) return end
  return end === null ? kept : Buffer.concat([kept, end])
}
