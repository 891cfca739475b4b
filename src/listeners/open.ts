// A listener of the configuration on its engine.
import { canonicalPath } from '../base/canonical-path.ts'
import type { ListenerConfig } from '../config/schema.ts'
import type { ListenerOptions, RequestListener } from '../contract/listener.ts'
import type { Road } from '../contract/road.ts'
import { listenNode } from './node/listener.ts'
import { listenUws } from './uws/listener.ts'

/** `where`: the address to listen at, which is that of the configuration unless the port was left to the kernel. */
export function openListener(
  config: ListenerConfig,
  where: Pick<ListenerOptions, 'bind' | 'shared'>,
  road: Road,
): Promise<RequestListener> {
  const rules = config.canonicalPath ?? {}
  const options = { ...where, name: config.name, canonicalPath: (raw: string) => canonicalPath(raw, rules) }
  return config.engine === 'node' ? listenNode(options, road) : listenUws(options, road)
}
