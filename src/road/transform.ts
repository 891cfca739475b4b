// Bodies through the transforms of plugins. A body that goes through one has no length any more: it is sent in chunks.
import { openPipe } from '../chain/body.ts'
import type { Exchange } from '../contract/exchange.ts'
import { UNKNOWN_LENGTH } from '../contract/reply.ts'
import type { Chain } from '../contract/snapshot.ts'

type Steps = NonNullable<Chain['responseBody']>

/** What describes the bytes of a body does not describe those of the transformed one. */
const ABOUT_BYTES = [
  'content-length',
  'etag',
  'content-md5',
  'digest',
  'repr-digest',
  'content-digest',
  'accept-ranges',
]

/** Before the request is sent. Throws what a step throws. */
export function transformRequest(x: Exchange, steps: Steps): void {
  const pipe = openPipe(x, steps)
  if (pipe === null) return
  x.body.transform(pipe, (error) => x.road.bodyFailed(x, error))
  for (const name of ABOUT_BYTES) x.headers.remove(name)
}

/** Before the head of an upstream's reply is sent. Throws what a step throws. */
export function transformResponse(x: Exchange, steps: Steps): void {
  if (x.localBody !== null || x.status === 204 || x.status === 304) return
  const pipe = openPipe(x, steps)
  if (pipe === null) return
  if (x.method !== 'HEAD') x.responsePipe = pipe
  x.responseLength = UNKNOWN_LENGTH
  x.openHead()
  for (const name of ABOUT_BYTES) x.responseHeaders.remove(name)
}
