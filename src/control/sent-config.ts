// A configuration as somebody has sent it.
import { isRecord } from '../config/document.ts'
import { writtenValue } from '../config/edit.ts'
import { WriteRefusal } from './write-refusal.ts'

/** Levels of what is sent: what comes after it walks down in recursion. */
const MOST_LEVELS = 64

export interface SentConfig {
  readonly form: 'yaml' | 'json'
  readonly text: string
}

/** Throws WriteRefusal or EditRefusal. */
export function sentValue({ form, text }: SentConfig): Record<string, unknown> {
  const value = form === 'json' ? jsonValue(text) : writtenValue(text)
  refuseDepth(value)
  // What GET gives may be sent back.
  const config = isRecord(value) && isRecord(value['config']) && !('listeners' in value) ? value['config'] : value
  if (!isRecord(config)) throw new WriteRefusal('invalid', 'a configuration is an object: {"version": 1, ...}')
  return config
}

function jsonValue(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new WriteRefusal('invalid', `the body is no JSON: ${(error as Error).message.slice(0, 200)}`)
  }
}

export function refuseDepth(value: unknown, levels = MOST_LEVELS): void {
  if (typeof value !== 'object' || value === null) return
  if (levels === 0) throw new WriteRefusal('invalid', `what is sent has more than ${MOST_LEVELS} levels`)
  for (const entry of Object.values(value)) refuseDepth(entry, levels - 1)
}
