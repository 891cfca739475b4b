// `trustedProxies` as a question that is asked once per request: the answers for recent peers are remembered, since
// a set of CIDRs takes a microsecond and peers are few.
import { BlockList, isIPv6 } from 'node:net'
import type { TrustedProxies } from '../contract/snapshot.ts'

const MOST_REMEMBERED = 1024

/** null when nobody is trusted. The CIDRs, or single addresses, were validated. */
export function compileTrustedProxies(cidrs: readonly string[]): TrustedProxies | null {
  if (cidrs.length === 0) return null
  const list = new BlockList()
  for (const cidr of cidrs) {
    const [address = '', prefix] = cidr.split('/')
    const family = isIPv6(address) ? 'ipv6' : 'ipv4'
    if (prefix === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(prefix), family)
  }
  const remembered = new Map<string, boolean>()
  return {
    trusts(ip) {
      const known = remembered.get(ip)
      if (known !== undefined) return known
      if (remembered.size >= MOST_REMEMBERED) remembered.clear()
      const trusted = list.check(ip, isIPv6(ip) ? 'ipv6' : 'ipv4')
      remembered.set(ip, trusted)
      return trusted
    },
  }
}
