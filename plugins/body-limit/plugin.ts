// Bounds the request body: a length that is announced is refused at once, a chunked body when the limit is passed.
import { ByteSize, definePlugin, ERRORS, NEXT, Type } from '../../src/contract/plugin.ts'

export default definePlugin({
  name: 'body-limit',
  summary: 'Refuses request bodies beyond a size with 413',
  order: 400,
  phase: 'access',
  schema: Type.Object({ max: ByteSize({ description: 'Largest body' }) }, { additionalProperties: false }),
  compile({ max }) {
    return (x) => {
      if (x.requestBodyLength > max) return x.deny(ERRORS.bodyTooLarge, `At most ${max} bytes are allowed.`)
      x.limitBody(max)
      return NEXT
    }
  },
})
