// Sets, adds and removes header fields, of the request that is forwarded and of the reply.
import { checkHeader } from '../../src/base/headers.ts'
import { isHopByHop } from '../../src/base/hop-by-hop.ts'
import { definePlugin, NEXT, Type, type Static } from '../../src/contract/plugin.ts'

const values = (description: string) => Type.Optional(Type.Record(Type.String(), Type.String(), { description }))
const Changes = Type.Object(
  {
    set: values('name: value; replaces what is there'),
    add: values('name: value; beside what is there'),
    remove: Type.Optional(Type.Array(Type.String(), { description: 'Names' })),
  },
  { additionalProperties: false },
)

export default definePlugin({
  name: 'headers',
  summary: 'Sets, adds and removes headers of requests and replies',
  order: 800,
  schema: Type.Object(
    { request: Type.Optional(Changes), response: Type.Optional(Changes) },
    { additionalProperties: false },
  ),
  compile({ request = {}, response = {} }) {
    const towards = flatten(request, 'request')
    const back = flatten(response, 'response')
    return {
      ...(isEmpty(towards)
        ? {}
        : {
            request(x) {
              for (let i = 0; i < towards.remove.length; i++) x.removeRequestHeader(towards.remove[i]!)
              for (let i = 0; i < towards.set.length; i += 2) x.setRequestHeader(towards.set[i]!, towards.set[i + 1]!)
              for (let i = 0; i < towards.add.length; i += 2) x.addRequestHeader(towards.add[i]!, towards.add[i + 1]!)
              return NEXT
            },
          }),
      ...(isEmpty(back)
        ? {}
        : {
            response(x) {
              for (let i = 0; i < back.remove.length; i++) x.removeResponseHeader(back.remove[i]!)
              for (let i = 0; i < back.set.length; i += 2) x.setResponseHeader(back.set[i]!, back.set[i + 1]!)
              for (let i = 0; i < back.add.length; i += 2) x.addResponseHeader(back.add[i]!, back.add[i + 1]!)
            },
          }),
    }
  },
})

/** Flat lists: [name, value, ...] for set and add, names for remove. */
interface Flat {
  readonly set: readonly string[]
  readonly add: readonly string[]
  readonly remove: readonly string[]
}

function flatten({ set = {}, add = {}, remove = [] }: Static<typeof Changes>, side: 'request' | 'response'): Flat {
  const pairs = (values: Readonly<Record<string, string>>): string[] => Object.entries(values).flat()
  for (const [name, value] of [...Object.entries(set), ...Object.entries(add)]) checkChange(name, value, side)
  for (const name of remove) checkChange(name, '', side)
  return { set: pairs(set), add: pairs(add), remove }
}

/** Throws TypeError on a field that is the gateway's own affair. */
function checkChange(name: string, value: string, side: 'request' | 'response'): void {
  checkHeader(name, value)
  const lower = name.toLowerCase()
  if (isHopByHop(lower) || lower === 'content-length') throw new TypeError(`the gateway writes ${name} itself`)
  if (lower === 'host' && side === 'request') throw new TypeError('use rewrite.host of the route to change Host')
}

function isEmpty({ set, add, remove }: Flat): boolean {
  return set.length + add.length + remove.length === 0
}
