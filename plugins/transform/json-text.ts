// JSON that is read and written again. Numbers that JavaScript would change keep their text.

/** RFC 8259 lets a parser bound the depth; one that writes by recursion must. */
const MAX_DEPTH = 256
const QUOTE = 34
const BACKSLASH = 92

/** Source text access of JSON.parse (ECMAScript proposal, in V8 since 11.4); not in the types yet. */
interface RawJson {
  parse(text: string, reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown): unknown
  rawJSON(text: string): object
  isRawJSON(value: unknown): boolean
}
const RAW = JSON as unknown as RawJson

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
/** Long or written in a way that may not come back: most bodies have none. */
const DOUBTFUL_NUMBER = /[0-9]{16}|[0-9][.eE]|-0/

/** Throws on what is not JSON in UTF-8, and on what is nested too deeply. */
export function parseJson(bytes: Uint8Array): unknown {
  if (depthOf(bytes) > MAX_DEPTH) throw new SyntaxError('nested too deeply')
  const text = UTF8.decode(bytes)
  if (!DOUBTFUL_NUMBER.test(text)) return JSON.parse(text)
  return RAW.parse(text, (_, value, { source }) =>
    typeof value === 'number' && source !== undefined && String(value) !== source ? RAW.rawJSON(source) : value,
  )
}

/** An object or array, and not a number that keeps its text. */
export function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !RAW.isRawJSON(value)
}

/** The deepest nesting; brackets that do not match are for the parser to find. */
function depthOf(bytes: Uint8Array): number {
  let depth = 0
  let deepest = 0
  let inString = false
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!
    if (inString) {
      if (byte === BACKSLASH) i++
      else if (byte === QUOTE) inString = false
    } else if (byte === QUOTE) inString = true
    // [ and {, ] and } differ in one bit.
    else if ((byte | 32) === 123) deepest = Math.max(deepest, ++depth)
    else if ((byte | 32) === 125) depth--
  }
  return deepest
}
