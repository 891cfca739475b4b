// Loaded into a gateway with --import: what is alive after a full collection. Message: 'live' -> LiveSeen.
import { getHeapSpaceStatistics, queryObjects } from 'node:v8'
import { Exchange } from '../../src/contract/exchange.ts'
import { WireAttempt } from '../../src/upstreams/wire/attempt.ts'
import { WireConnection } from '../../src/upstreams/wire/connection.ts'

export interface LiveSeen {
  /** bytes */
  readonly oldSpace: number
  /** bytes of buffers, outside the heap */
  readonly buffers: number
  readonly exchanges: number
  readonly attempts: number
  readonly connections: number
}

function live(): LiveSeen {
  gc!()
  gc!()
  return {
    oldSpace: getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')!.space_used_size,
    buffers: process.memoryUsage().arrayBuffers,
    exchanges: queryObjects(Exchange, { format: 'count' }),
    attempts: queryObjects(WireAttempt, { format: 'count' }),
    connections: queryObjects(WireConnection, { format: 'count' }),
  }
}

process.on('message', (message) => {
  if (message === 'live') process.send!(live())
})
process.channel!.unref()
