// The peer's address as text. uWS hands it out as bytes, IPv4 on a dual-stack socket in its IPv6 form.

/** Dotted IPv4, or IPv6 as RFC 5952 writes it; 127.0.0.1 for a unix socket, whose peers are local by nature. */
export function peerAddress(raw: ArrayBuffer): string {
  const bytes = new Uint8Array(raw)
  if (bytes.length === 4) return dotted(bytes, 0)
  if (bytes.length !== 16) return '127.0.0.1'
  return isMapped(bytes) ? dotted(bytes, 12) : ipv6(bytes)
}

function dotted(bytes: Uint8Array, at: number): string {
  return bytes[at] + '.' + bytes[at + 1] + '.' + bytes[at + 2] + '.' + bytes[at + 3]
}

/** ::ffff:a.b.c.d */
function isMapped(bytes: Uint8Array): boolean {
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return false
  return bytes[10] === 0xff && bytes[11] === 0xff
}

function ipv6(bytes: Uint8Array): string {
  const groups: string[] = []
  for (let i = 0; i < 16; i += 2) groups.push(((bytes[i]! << 8) | bytes[i + 1]!).toString(16))
  // The longest run of two or more zero groups, the first of equals, becomes "::".
  let start = -1
  let length = 1
  for (let i = 0; i < 8; i++) {
    let run = 0
    while (i + run < 8 && groups[i + run] === '0') run++
    if (run > length) [start, length] = [i, run]
    i += run
  }
  if (start < 0) return groups.join(':')
  return groups.slice(0, start).join(':') + '::' + groups.slice(start + length).join(':')
}
