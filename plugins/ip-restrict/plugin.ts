// Lets pass, or refuses, by client address. Deny beats allow; a list of allowed addresses refuses all others.
import { isIPv6 } from 'node:net'
import { blockList } from '../../src/base/block-list.ts'
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
