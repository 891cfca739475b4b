// Fields that concern one connection only (RFC 9110 section 7.6.1), which no proxy forwards.

const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
])

/** `name` in lower case. */
export function isHopByHop(name: string): boolean {
  return HOP_BY_HOP.has(name)
}

/** Field names that a Connection value asks to remove, in lower case; its own options `close` and `keep-alive` are none. */
export function namesInConnection(value: string): string[] {
  if (value === 'keep-alive' || value === 'close') return NONE
  const names: string[] = []
  for (const part of value.toLowerCase().split(',')) {
    const name = part.trim()
    if (name !== '' && name !== 'close' && name !== 'keep-alive') names.push(name)
  }
  return names
}

const NONE: string[] = []
