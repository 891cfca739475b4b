// Hides secrets in requests and replies while they stream: values of headers, values in JSON, matches in text. What it
// cannot read it does not let pass.
import { RE2JS } from 're2js'
import { checkValue, fieldName } from '../../src/base/headers.ts'
import { isHopByHop } from '../../src/base/hop-by-hop.ts'
import {
  BodyRefused,
  ByteSize,
  definePlugin,
  ERRORS,
  NEXT,
  Type,
  type BodyTransform,
  type ErrorKind,
  type LogMask,
  type PluginExchange,
} from '../../src/contract/plugin.ts'
import { JsonMask } from './json-mask.ts'
import { LimitedMask, type Mask } from './limited.ts'
import { compilePaths, type MaskedPaths } from './masked-paths.ts'
import { TextMask } from './text-mask.ts'

/** Fields without which the message cannot be read, or that the gateway writes itself. */
const NOT_MASKABLE = new Set(['content-length', 'content-type', 'content-encoding', 'host'])
// Generous about what follows the type: a sloppy upstream must not slip through.
const IS_JSON = /^\s*(?:(?:application|text)\/json|[^\s;,/]+\/[^\s;,]+\+json)(?![^\s;,])/i
const IS_TEXT = /^\s*text\//i

export default definePlugin({
  name: 'mask',
  summary: 'Hides secrets in the headers and bodies of requests and replies',
  order: 850,
  schema: Type.Object(
    {
      json: Type.Optional(
        Type.Array(Type.String(), {
          description: 'Paths to mask in JSON: card.number, users.*.token, **.secret',
          default: [],
        }),
      ),
      headers: Type.Optional(
        Type.Array(Type.String(), { description: 'Headers whose values are masked', default: [] }),
      ),
      regex: Type.Optional(
        Type.Array(Type.String(), {
          maxItems: 16,
          description: 'RE2 patterns to mask in text and JSON bodies',
          default: [],
        }),
      ),
      in: Type.Optional(
        Type.Array(Type.Union([Type.Literal('request'), Type.Literal('response'), Type.Literal('log')]), {
          minItems: 1,
          description: 'Where to mask; log: headers and patterns in what access-log writes',
          default: ['response'],
        }),
      ),
      with: Type.Optional(
        Type.String({ maxLength: 256, description: 'What stands in place of a secret', default: '***' }),
      ),
      maxMatch: Type.Optional(
        ByteSize({ description: 'Longest match of a pattern that is sure to be found', default: '256B' }),
      ),
      maxDepth: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: 1024,
          description: 'Deepest nesting of JSON; deeper is refused',
          default: 64,
        }),
      ),
      maxSize: Type.Optional(ByteSize({ description: 'Largest body', default: '10MiB' })),
      onOversize: Type.Optional(
        Type.Union([Type.Literal('cut'), Type.Literal('pass')], {
          description: 'Larger bodies are refused or cut, or their rest passes unmasked',
          default: 'cut',
        }),
      ),
    },
    { additionalProperties: false },
  ),
  compile({ json = [], headers = [], regex = [], in: sides = ['response'], with: text = '***', ...limits }) {
    if (json.length + headers.length + regex.length === 0)
      throw new TypeError('nothing to mask: set json, headers or regex')
    if (sides.every((side) => side === 'log') && headers.length + regex.length === 0)
      throw new TypeError('in: a log has headers and text to mask, but no JSON')
    const names = headers.map((name) => maskable(name, text))
    const bodies = json.length + regex.length > 0 ? new Bodies(json, regex, text, limits) : null
    const request = sides.includes('request')
    const response = sides.includes('response')
    const logMask = sides.includes('log') ? new RequestMask(names, regex, text) : null
    return {
      ...(logMask === null ? {} : { log: (x: PluginExchange) => void (x.logMask = logMask), mask: logMask }),
      request(x) {
        if (request)
          for (let i = 0; i < names.length; i++) if (x.hasHeader(names[i]!)) x.setRequestHeader(names[i]!, text)
        if (response && bodies !== null) askForReadable(x)
        return NEXT
      },
      ...(response && names.length > 0
        ? {
            response(x) {
              // Asked for by its value: an empty one hides nothing.
              for (let i = 0; i < names.length; i++) {
                if (x.responseHeader(names[i]!) !== '') x.setResponseHeader(names[i]!, text)
                else x.removeResponseHeader(names[i]!)
              }
            },
          }
        : {}),
      ...(bodies === null
        ? {}
        : {
            body: {
              ...(request ? { request: (x: PluginExchange) => bodies.ofRequest(x) } : {}),
              ...(response ? { response: (x: PluginExchange) => bodies.ofResponse(x) } : {}),
            },
          }),
    }
  },
})

/** For logs: it runs before access-log does. */
class RequestMask implements LogMask {
  readonly headers: ReadonlySet<string>
  readonly replacement: string
  readonly #patterns: readonly RE2JS[]

  constructor(names: readonly string[], regex: readonly string[], replacement: string) {
    this.headers = new Set(names)
    this.replacement = replacement
    this.#patterns = regex.map(compilePattern)
  }

  text(value: string): string {
    let shown = value
    for (const pattern of this.#patterns) shown = pattern.matcher(shown).replaceAll(() => this.replacement)
    return shown
  }
}

/** A part of a body cannot be masked, and neither can what is compressed: the upstream is not asked for either. */
function askForReadable(x: PluginExchange): void {
  if (x.hasHeader('accept-encoding')) x.removeRequestHeader('accept-encoding')
  if (x.hasHeader('range')) x.removeRequestHeader('range')
  if (x.hasHeader('if-range')) x.removeRequestHeader('if-range')
}

/** The name in lower case. Throws TypeError on a header that cannot be masked. */
function maskable(name: string, text: string): string {
  const lower = fieldName(name)
  checkValue(name, text)
  if (isHopByHop(lower) || NOT_MASKABLE.has(lower))
    throw new TypeError(`headers: ${name} is needed to read the message`)
  return lower
}

interface Limits {
  readonly maxMatch?: number
  readonly maxDepth?: number
  readonly maxSize?: number
  readonly onOversize?: 'cut' | 'pass'
}

class Bodies {
  readonly #paths: MaskedPaths | null
  readonly #patterns: readonly RE2JS[]
  readonly #window: number
  readonly #maxDepth: number
  readonly #maxSize: number
  readonly #passes: boolean
  /** In place of a value, of a match in JSON, and of a match in text. */
  readonly #value: Uint8Array
  readonly #insideJson: Uint8Array
  readonly #insideText: Uint8Array

  constructor(json: readonly string[], regex: readonly string[], text: string, limits: Limits) {
    const { maxMatch = 256, maxDepth = 64, maxSize = 10 * 1024 * 1024, onOversize = 'cut' } = limits
    if (maxMatch < 1 || maxMatch > 64 * 1024) throw new TypeError('maxMatch must be from 1B to 64KiB')
    if (maxSize < 1) throw new TypeError('maxSize must be 1B at least')
    this.#paths = json.length === 0 ? null : compilePaths(json)
    this.#patterns = regex.map(compilePattern)
    this.#window = maxMatch
    this.#maxDepth = maxDepth
    this.#maxSize = maxSize
    this.#passes = onOversize === 'pass'
    const quoted = JSON.stringify(text)
    this.#value = Buffer.from(quoted)
    this.#insideJson = Buffer.from(quoted.slice(1, -1))
    this.#insideText = Buffer.from(text)
  }

  ofRequest(x: PluginExchange): BodyTransform | null {
    const type = x.header('content-type')
    if (!this.#concerns(type)) return null
    if (isEncoded(x.header('content-encoding'))) {
      throw new BodyRefused(ERRORS.badBody, 'A body with a content-encoding cannot be read here.')
    }
    if (!this.#passes && x.requestBodyLength > this.#maxSize) {
      throw new BodyRefused(ERRORS.bodyTooLarge, `At most ${this.#maxSize} bytes are allowed.`)
    }
    return this.#open(type, ERRORS.badBody, ERRORS.bodyTooLarge)
  }

  ofResponse(x: PluginExchange): BodyTransform | null {
    if (x.status === 206) throw new BodyRefused(ERRORS.unusableReply, 'A part of a body cannot be masked.')
    const type = x.responseHeader('content-type')
    if (!this.#concerns(type)) return null
    if (isEncoded(x.responseHeader('content-encoding'))) {
      throw new BodyRefused(ERRORS.unusableReply, 'A body with a content-encoding cannot be masked.')
    }
    return this.#open(type, ERRORS.unusableReply, ERRORS.unusableReply)
  }

  #concerns(type: string): boolean {
    if (IS_JSON.test(type)) return true
    return this.#patterns.length > 0 && IS_TEXT.test(type)
  }

  #open(type: string, malformed: ErrorKind, tooLarge: ErrorKind): BodyTransform {
    const json = IS_JSON.test(type)
    const masks: Mask[] = []
    if (json && this.#paths !== null) {
      masks.push(new JsonMask({ paths: this.#paths, replacement: this.#value, maxDepth: this.#maxDepth, malformed }))
    }
    const inside = json ? this.#insideJson : this.#insideText
    for (const pattern of this.#patterns) masks.push(new TextMask(pattern, this.#window, inside))
    return new LimitedMask(masks, this.#maxSize, this.#passes ? null : tooLarge)
  }
}

function compilePattern(source: string): RE2JS {
  let pattern: RE2JS
  try {
    pattern = RE2JS.compile(source)
  } catch (error) {
    throw new TypeError(`regex: "${source}" is not an RE2 pattern: ${(error as Error).message}`, { cause: error })
  }
  if (pattern.matcher('').find())
    throw new TypeError(`regex: "${source}" matches nothing at all: let it need a character`)
  return pattern
}

function isEncoded(encoding: string): boolean {
  return encoding !== '' && encoding.trim().toLowerCase() !== 'identity'
}
