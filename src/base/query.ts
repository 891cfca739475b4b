// Query values straight from the text: nothing is parsed before it is asked for, and nothing is kept.

/**
 * Calls `take` with each value of `name` in `search` (with its `?`, or '') until it returns true; true then. Names and
 * values are decoded as forms are (WHATWG URL, application/x-www-form-urlencoded).
 */
export function queryValues(search: string, name: string, take: (value: string) => boolean): boolean {
  let start = 1
  while (start < search.length) {
    let end = search.indexOf('&', start)
    if (end < 0) end = search.length
    let equals = search.indexOf('=', start)
    if (equals < 0 || equals > end) equals = end
    if (decode(search.slice(start, equals)) === name && take(decode(search.slice(equals + 1, end)))) return true
    start = end + 1
  }
  return false
}

const SEARCH = /^\?[\x21\x22\x24-\x7e]*$/

/** The same text. Throws TypeError on what no request target may carry as its query. */
export function checkedSearch(search: string): string {
  if (search !== '' && !SEARCH.test(search)) {
    throw new TypeError('a query is empty, or "?" and visible ASCII without "#"')
  }
  return search
}

/** The first value of `name`; null if there is none. */
export function queryValue(search: string, name: string): string | null {
  let found: string | null = null
  queryValues(search, name, (value) => {
    found = value
    return true
  })
  return found
}

function decode(text: string): string {
  if (!text.includes('%') && !text.includes('+')) return text
  const spaced = text.replaceAll('+', ' ')
  try {
    return decodeURIComponent(spaced)
  } catch {
    return spaced // malformed escapes mean themselves
  }
}
