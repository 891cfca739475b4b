// Who the client is. Only peers in `trustedProxies` may speak for somebody else; their X-Forwarded-For, or Forwarded
// (RFC 7239), is read from the right: the first address that is not one of ours is the client.
import { isIP } from 'node:net'
import type { Exchange } from '../contract/exchange.ts'
import type { TrustedProxies } from '../contract/snapshot.ts'

export function clientAddress(x: Exchange): void {
  x.clientIp = x.peerIp
  x.scheme = x.listener.scheme
  const trusted = x.snapshot!.trustedProxies
  if (trusted === null || !trusted.trusts(x.peerIp)) return
  const forwardedFor = x.headers.join('x-forwarded-for')
  const forwarded = forwardedFor === '' ? x.headers.join('forwarded') : ''
  const hops = forwardedFor === '' ? forwardedNodes(forwarded) : forwardedFor.split(',')
  x.clientIp = lastUntrusted(hops, trusted, x.peerIp)
  const proto = x.headers.find('x-forwarded-proto').toLowerCase()
  if (proto === 'http' || proto === 'https') x.scheme = proto
}

function lastUntrusted(hops: readonly string[], trusted: TrustedProxies, peer: string): string {
  let client = peer
  for (let i = hops.length - 1; i >= 0; i--) {
    const address = bareAddress(hops[i]!.trim())
    // What a trusted proxy calls unknown, or obfuscates, ends what can be known.
    if (address === '') break
    client = address
    if (!trusted.trusts(address)) break
  }
  return client
}

/** The `for` parameters of Forwarded, in order. */
function forwardedNodes(value: string): string[] {
  const nodes: string[] = []
  for (const element of value.split(',')) {
    const node = /(?:^|;)\s*for\s*=\s*("[^"]*"|[^;,\s]*)/i.exec(element)
    nodes.push(node === null ? '' : node[1]!.replaceAll('"', ''))
  }
  return nodes
}

/** Address without brackets and port; '' when it is none. */
function bareAddress(node: string): string {
  if (isIP(node) !== 0) return node
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(node)
  const bare = bracketed === null ? node.replace(/:\d+$/, '') : bracketed[1]!
  return isIP(bare) === 0 ? '' : bare
}
