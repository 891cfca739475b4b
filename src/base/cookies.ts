// Cookie values straight from the header text (RFC 6265 section 4.2.1).

const SPACE = 32
const TAB = 9

/** The first value of the cookie `name` in a Cookie field, without quotes around it; null if there is none. */
export function cookieValue(field: string, name: string): string | null {
  let start = 0
  while (start < field.length) {
    let end = field.indexOf(';', start)
    if (end < 0) end = field.length
    while (start < end && (field.charCodeAt(start) === SPACE || field.charCodeAt(start) === TAB)) start++
    const equals = field.indexOf('=', start)
    if (equals - start === name.length && equals < end && field.startsWith(name, start)) {
      const value = field.slice(equals + 1, end).trimEnd()
      return value.length > 1 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value
    }
    start = end + 1
  }
  return null
}
