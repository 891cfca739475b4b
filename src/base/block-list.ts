// Lists of addresses and CIDRs, as plugins compare client addresses with them.
import { BlockList, isIP, isIPv6 } from 'node:net'

/** Throws TypeError on what is no address. node:net matches IPv4-mapped IPv6 addresses with IPv4 rules too. */
export function blockList(entries: readonly string[]): BlockList {
  const list = new BlockList()
  for (const entry of entries) {
    const [address = '', prefix] = entry.split('/')
    if (isIP(address) === 0) throw new TypeError(`"${entry}" is not an address or CIDR`)
    const family = isIPv6(address) ? 'ipv6' : 'ipv4'
    if (prefix === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(prefix), family)
  }
  return list
}
