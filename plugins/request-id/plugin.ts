// Gives every request an id: forwarded to the upstream, put on the reply, shown in logs and problem documents.
import { definePlugin, NEXT, Type } from '../../src/contract/plugin.ts'

/** Ids of callers are kept only in this form: they end up in logs and headers. */
const ACCEPTABLE = /^[A-Za-z0-9._~+/=:@-]{1,128}$/

export default definePlugin({
  name: 'request-id',
  summary: 'An id for every request: forwarded, returned and logged',
  order: 100,
  schema: Type.Object(
    {
      header: Type.Optional(
        Type.String({ pattern: '^[A-Za-z0-9-]+$', description: 'Header that carries the id', default: 'x-request-id' }),
      ),
      accept: Type.Optional(Type.Boolean({ description: "Keep the caller's id if it is well-formed", default: false })),
      response: Type.Optional(Type.Boolean({ description: 'Put the id on the reply', default: true })),
    },
    { additionalProperties: false },
  ),
  compile({ header = 'x-request-id', accept = false, response = true }) {
    const name = header.toLowerCase()
    return {
      access(x) {
        if (accept) {
          const offered = x.header(name)
          if (ACCEPTABLE.test(offered)) x.setRequestId(offered)
        }
        x.setRequestHeader(name, x.requestId)
        return NEXT
      },
      ...(response ? { response: (x) => x.setResponseHeader(name, x.requestId) } : {}),
    }
  },
})
