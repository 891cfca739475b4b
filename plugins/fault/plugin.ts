// Makes some requests late or fail, to see what clients make of it.
import { isToken } from '../../src/base/headers.ts'
import { randomPoint, SHARE_PATTERN, sharePoints } from '../../src/base/share.ts'
import { definePlugin, Duration, NEXT, Type, type ErrorKind } from '../../src/contract/plugin.ts'
import { Delays, goOn } from './delays.ts'

/** Steps have 10 s: a longer delay would be a timeout of the plugin. */
const LONGEST_DELAY = 9000

const Share = () =>
  Type.Optional(
    Type.String({ pattern: SHARE_PATTERN, description: 'How many requests: 10% or 0.25%', default: '100%' }),
  )

const Delay = Type.Object(
  { share: Share(), time: Duration({ description: 'How long they wait; at most 9s' }) },
  { additionalProperties: false, description: 'Requests that are made late' },
)

const Abort = Type.Object(
  {
    share: Share(),
    status: Type.Optional(
      Type.Integer({ minimum: 400, maximum: 599, description: 'Status that they are answered with', default: 503 }),
    ),
  },
  { additionalProperties: false, description: 'Requests that fail, after their delay' },
)

export default definePlugin({
  name: 'fault',
  summary: 'Makes a share of the requests late, or fail',
  order: 700,
  phase: 'request',
  schema: Type.Object(
    {
      delay: Type.Optional(Delay),
      abort: Type.Optional(Abort),
      header: Type.Optional(Type.String({ description: 'Only requests with this header; absent: all of them' })),
    },
    { additionalProperties: false },
  ),
  compile({ delay, abort, header = '' }, host) {
    if (delay === undefined && abort === undefined) throw new TypeError('there is no fault: give delay or abort')
    const time = delay?.time ?? 0
    if (time > LONGEST_DELAY) throw new TypeError(`delay.time is ${time} ms; 9s are the most`)
    if (header !== '' && !isToken(header)) throw new TypeError(`header: "${header}" is not a header name`)
    const late = delay === undefined ? 0 : sharePoints(delay.share ?? '100%')
    const failing = abort === undefined ? 0 : sharePoints(abort.share ?? '100%')
    const kind = faultKind(abort?.status ?? 503)
    const delays = new Delays(host.signal)

    return (x) => {
      if (header !== '' && !x.hasHeader(header)) return NEXT
      const fails = failing > 0 && randomPoint() < failing
      if (late > 0 && randomPoint() < late) return delays.wait(time, fails ? () => x.deny(kind) : goOn)
      return fails ? x.deny(kind) : NEXT
    }
  },
})

/** Its status is free, so that it has no place in the table of errors. As a client's fault it does not fill the log. */
function faultKind(status: number): ErrorKind {
  return Object.freeze({
    code: 'SLUICE_PLUGIN_FAULT',
    status,
    source: 'client',
    retry: false,
    title: 'The request was made to fail, as configured',
    close: false,
  })
}
