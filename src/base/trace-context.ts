// Which trace a request belongs to, as its traceparent field says (W3C Trace Context, section 3.2).

export interface TraceContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string
  /** 16 hexadecimal digits: the span of whoever sent the request. */
  readonly spanId: string
}

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(?:$|-)/

/** null for a field that is absent or not valid. */
export function readTraceparent(field: string): TraceContext | null {
  const match = field.length > 512 ? null : TRACEPARENT.exec(field)
  return match === null ? null : { traceId: match[1]!, spanId: match[2]! }
}
