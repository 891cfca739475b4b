/** JSON pointer (RFC 6901) -> path. */
export function pointer(text: string): (string | number)[] {
  return text
    .split('/')
    .slice(1)
    .map((step) => (/^\d+$/.test(step) ? Number(step) : step.replaceAll('~1', '/').replaceAll('~0', '~')))
}
