// Lets pass, or refuses, by client address. Deny beats allow; a list of allowed addresses refuses all others.
import { BlockList, isIP, isIPv6 } from 'node:net'
import { definePlugin, ERRORS, NEXT, Type } from '../../src/contract/plugin.ts'

const Addresses = Type.Array(Type.String({ 'x-format': 'cidr' }), { description: 'Addresses or CIDRs' })

export default definePlugin({
  name: 'ip-restrict',
  summary: 'Allows or denies by client address',
  order: 300,
  phase: 'access',
  schema: Type.Object(
    { allow: Type.Optional(Addresses), deny: Type.Optional(Addresses) },
    { additionalProperties: false },
  ),
  compile({ allow, deny = [] }) {
    const denied = blockList(deny)
    const allowed = allow === undefined ? null : blockList(allow)
    return (x) => {
      const family = isIPv6(x.clientIp) ? 'ipv6' : 'ipv4'
      if (denied.check(x.clientIp, family)) return x.deny(ERRORS.ipDenied)
      if (allowed !== null && !allowed.check(x.clientIp, family)) return x.deny(ERRORS.ipDenied)
      return NEXT
    }
  },
})

/** Throws TypeError on what is no address. node:net matches IPv4-mapped IPv6 addresses with IPv4 rules too. */
function blockList(entries: readonly string[]): BlockList {
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
