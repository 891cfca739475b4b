// How many requests of somebody may run at once. Those beyond wait their turn, a few of them and for a while.
import {
  compileKey,
  definePlugin,
  Duration,
  ERRORS,
  NEXT,
  Type,
  type PluginExchange,
  type Verdict,
} from '../../src/contract/plugin.ts'
import { Slots, type Held } from './slots.ts'

/** ms; a plugin may wait ten seconds in all. */
const LONGEST_WAIT = 9000

export default definePlugin({
  name: 'concurrency-limit',
  summary: 'Lets so many requests run at once, by address, consumer, header or claim',
  order: 360,
  schema: Type.Object(
    {
      max: Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'Requests that run at once' }),
      key: Type.Optional(
        Type.Union([Type.String(), Type.Array(Type.String(), { minItems: 1 })], {
          description:
            'Whose requests are counted together: client-ip (IPv6 by /64), consumer, route, header:NAME, claim:NAME, or a list',
          default: 'client-ip',
        }),
      ),
      queue: Type.Optional(
        Type.Integer({ minimum: 0, maximum: 100_000, description: 'Requests of one key that may wait', default: 0 }),
      ),
      maxWait: Type.Optional(Duration({ description: 'How long they may wait; at most 9s', default: '1s' })),
    },
    { additionalProperties: false },
  ),
  compile({ max, key = 'client-ip', queue = 0, maxWait = 1000 }, host) {
    if (maxWait > LONGEST_WAIT) throw new TypeError(`maxWait: at most ${LONGEST_WAIT / 1000}s`)
    const { of } = compileKey(key)
    // Requests that run are counted on when a reload changes the rest.
    const slots = host.shared(`${host.place} ${JSON.stringify(key)}`, () => new Slots())
    const refused = host.metrics.counter('refused_total', 'Requests that were not let in', { place: host.place })
    const held = new Map<PluginExchange, Held>()

    const refuse = (x: PluginExchange): Verdict => {
      refused.add()
      x.setResponseHeader('retry-after', '1')
      return x.deny(ERRORS.concurrencyLimited)
    }
    const wait = (x: PluginExchange, text: string): Verdict | Promise<Verdict> => {
      let settle: (verdict: Verdict) => void = () => {}
      const place = slots.wait(text, queue, maxWait, (admitted) => {
        if (!admitted) held.delete(x)
        settle(admitted ? NEXT : refuse(x))
      })
      if (place === null) return refuse(x)
      held.set(x, place)
      return new Promise((resolve) => (settle = resolve))
    }
    return {
      start: () => void (slots.max = max),
      access(x) {
        const text = of(x)
        const place = slots.take(text)
        if (place === null) return wait(x, text)
        held.set(x, place)
        return NEXT
      },
      // Also for a client that left while it waited.
      log(x) {
        const place = held.get(x)
        if (place === undefined) return
        held.delete(x)
        slots.release(place)
      },
    }
  },
})
