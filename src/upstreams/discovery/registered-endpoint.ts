// What a service has written about itself into the registry.
import { FORMATS } from '../../config/formats.ts'
import type { DiscoveredEndpoint } from './source.ts'

const MAX_VALUE = 16 * 1024
const MAX_WEIGHT = 65_535
const MAX_TEXT = 256
const MAX_METADATA = 64

type Json = Readonly<Record<string, unknown>>

/**
 * `{ "url": "http://10.0.0.1:8080", "weight": 1, "zone": "a", "region": "eu", "metadata": { "version": "7" } }`; all but
 * the url may be left out, and what is not known is passed over. A text says what is wrong, and repeats no value: a
 * url may hold a password.
 */
export function parseRegistered(value: string): DiscoveredEndpoint | string {
  if (value.length > MAX_VALUE) return `${value.length} characters, more than ${MAX_VALUE}`
  let json: unknown
  try {
    json = JSON.parse(value)
  } catch {
    return 'not JSON; expected { "url": "http://10.0.0.1:8080" }'
  }
  if (!isObject(json)) return 'not an object; expected { "url": "http://10.0.0.1:8080" }'
  const { url, weight = 1, zone = '', region = '', metadata = {} } = json
  if (typeof url !== 'string' || url.length > MAX_TEXT || FORMATS['origin']!(url) !== '') {
    return 'url is not an origin; expected http://host:port or https://host:port'
  }
  if (!Number.isInteger(weight) || (weight as number) < 0 || (weight as number) > MAX_WEIGHT) {
    return `weight is not a whole number from 0 to ${MAX_WEIGHT}`
  }
  if (!isText(zone)) return `zone is not a text of at most ${MAX_TEXT} characters`
  if (!isText(region)) return `region is not a text of at most ${MAX_TEXT} characters`
  if (!isMetadata(metadata)) return `metadata is not an object of at most ${MAX_METADATA} short texts`
  return { url: new URL(url).origin, weight: weight as number, zone, region, metadata }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_TEXT
}

function isMetadata(value: unknown): value is Readonly<Record<string, string>> {
  if (!isObject(value)) return false
  const entries = Object.entries(value)
  return entries.length <= MAX_METADATA && entries.every(([name, text]) => isText(name) && isText(text))
}
