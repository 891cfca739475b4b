// Changes headers, queries and JSON bodies, with texts made from the request.
import {
  BodyRefused,
  ByteSize,
  definePlugin,
  ERRORS,
  NEXT,
  Type,
  type BodyTransform,
  type PluginExchange,
} from '../../src/contract/plugin.ts'
import { HeaderChanges } from './header-changes.ts'
import { JsonBody } from './json-body.ts'
import { JsonChanges } from './json-changes.ts'
import { QueryChanges } from './query-changes.ts'

const IS_JSON = /^\s*(?:(?:application|text)\/json|[^\s;,/]+\/[^\s;,]+\+json)(?![^\s;,])/i
const MIB = 1024 * 1024

const texts = (description: string) => Type.Optional(Type.Record(Type.String(), Type.String(), { description }))
const list = (description: string) => Type.Optional(Type.Array(Type.String(), { description }))

const Headers = Type.Object(
  { rename: texts('old: new'), set: texts('name: template; an empty value removes the header') },
  { additionalProperties: false, description: 'Header fields: rename, then set' },
)
const Query = Type.Object(
  {
    remove: list('Parameters that go'),
    rename: texts('old: new'),
    set: texts('name: template; replaces what is there'),
    add: texts('name: template; beside what is there'),
  },
  { additionalProperties: false, description: 'Query parameters: remove, rename, set, then add' },
)
const Json = Type.Object(
  {
    unwrap: Type.Optional(Type.String({ minLength: 1, description: 'Path of the value that becomes the whole body' })),
    remove: list('Paths of values that go'),
    rename: texts('path: new name'),
    set: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), { description: 'path: template, or any other value' }),
    ),
    wrap: Type.Optional(Type.String({ minLength: 1, description: 'Name of the one member that holds the whole body' })),
  },
  { additionalProperties: false, description: 'JSON bodies: unwrap, remove, rename, set, then wrap' },
)

export default definePlugin({
  name: 'transform',
  summary: 'Changes headers, queries and JSON bodies of requests and replies',
  order: 700,
  schema: Type.Object(
    {
      request: Type.Optional(
        Type.Object(
          { headers: Type.Optional(Headers), query: Type.Optional(Query), json: Type.Optional(Json) },
          { additionalProperties: false, description: 'What the upstream gets' },
        ),
      ),
      response: Type.Optional(
        Type.Object(
          { headers: Type.Optional(Headers), json: Type.Optional(Json) },
          { additionalProperties: false, description: 'What the client gets' },
        ),
      ),
      maxSize: Type.Optional(ByteSize({ description: 'Largest JSON body; it is held in memory', default: '1MiB' })),
    },
    { additionalProperties: false },
  ),
  compile({ request = {}, response = {}, maxSize = MIB }) {
    if (maxSize < 1 || maxSize > 64 * MIB) throw new TypeError('maxSize must be from 1B to 64MiB')
    const headers = request.headers === undefined ? null : new HeaderChanges(request.headers, 'request')
    const query = request.query === undefined ? null : new QueryChanges(request.query)
    const json = request.json === undefined ? null : new JsonChanges(request.json)
    const back = response.headers === undefined ? null : new HeaderChanges(response.headers, 'response')
    const jsonBack = response.json === undefined ? null : new JsonChanges(response.json)
    if (!(headers ?? query ?? json ?? back ?? jsonBack))
      throw new TypeError('nothing to change: set request or response')
    return {
      ...(headers === null && query === null && jsonBack === null
        ? {}
        : {
            request(x: PluginExchange) {
              if (jsonBack !== null) askForReadable(x)
              const bad = headers === null ? '' : headers.apply(x)
              if (bad !== '') return x.deny(ERRORS.badHeader, `The value for ${bad} cannot be one of a header.`)
              query?.apply(x)
              return NEXT
            },
          }),
      ...(back === null ? {} : { response: (x: PluginExchange) => back.applyLate(x) }),
      body: {
        ...(json === null ? {} : { request: (x: PluginExchange) => requestBody(x, json, maxSize) }),
        ...(jsonBack === null ? {} : { response: (x: PluginExchange) => responseBody(x, jsonBack, maxSize) }),
      },
    }
  },
})

/** A part of a body, or a compressed one, cannot be changed: the upstream is not asked for either. */
function askForReadable(x: PluginExchange): void {
  if (x.hasHeader('accept-encoding')) x.removeRequestHeader('accept-encoding')
  if (x.hasHeader('range')) x.removeRequestHeader('range')
  if (x.hasHeader('if-range')) x.removeRequestHeader('if-range')
}

function requestBody(x: PluginExchange, changes: JsonChanges, maxSize: number): BodyTransform | null {
  if (!IS_JSON.test(x.header('content-type'))) return null
  if (isEncoded(x.header('content-encoding'))) {
    throw new BodyRefused(ERRORS.badBody, 'A body with a content-encoding cannot be read here.')
  }
  if (x.requestBodyLength > maxSize) throw new BodyRefused(ERRORS.bodyTooLarge, `At most ${maxSize} bytes are allowed.`)
  return new JsonBody(x, changes, maxSize, ERRORS.badBody, ERRORS.bodyTooLarge)
}

function responseBody(x: PluginExchange, changes: JsonChanges, maxSize: number): BodyTransform | null {
  if (!IS_JSON.test(x.responseHeader('content-type'))) return null
  if (x.status === 206 || isEncoded(x.responseHeader('content-encoding'))) {
    throw new BodyRefused(
      ERRORS.unusableReply,
      'A part of a body, or a body with a content-encoding, cannot be changed.',
    )
  }
  return new JsonBody(x, changes, maxSize, ERRORS.unusableReply, ERRORS.unusableReply)
}

function isEncoded(encoding: string): boolean {
  return encoding !== '' && encoding.trim().toLowerCase() !== 'identity'
}
