// What verbs that change a configuration read: files, versions, durations, and who is at the keyboard.
import { isUtf8 } from 'node:buffer'
import { createReadStream } from 'node:fs'
import { hostname, userInfo } from 'node:os'
import { parseUnit, UNIT_EXAMPLES } from '../../config/units.ts'
import { UsageError } from '../command.ts'
import { TargetFailure, type ConfigText, type Operand } from './target.ts'

/** What the admin API takes. */
const MOST_BYTES = 16 << 20
/** setTimeout has no longer one. */
const LONGEST_WAIT = 3_600_000

/** Rejects with TargetFailure. */
export async function readConfigText(file: string): Promise<ConfigText> {
  try {
    return { file, text: await readBounded(file) }
  } catch (error) {
    if (error instanceof TargetFailure) throw error
    const { code, message } = error as NodeJS.ErrnoException
    throw new TargetFailure(`${file} cannot be read: ${code ?? message}`)
  }
}

/** Whatever it is: a pipe or a device has no size that says how much will come. */
async function readBounded(file: string): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MOST_BYTES) throw new TargetFailure(`${file} is larger than 16 MiB, the most that a gateway takes`)
    chunks.push(chunk)
  }
  const bytes = Buffer.concat(chunks)
  if (isUtf8(bytes)) return bytes.toString()
  throw new TargetFailure(`${file} is not UTF-8 text`)
}

/** `live`, `17`, `@17`, or a file; a file of such a name is `./17`. */
export async function readOperand(text: string): Promise<Operand> {
  if (text === 'live') return { kind: 'live' }
  if (/^@?\d+$/.test(text)) return { kind: 'version', version: readVersion(text) }
  return { kind: 'file', ...(await readConfigText(text)) }
}

/** Throws UsageError. */
export function readVersion(text: string): number {
  const version = Number(/^@?(\d{1,16})$/.exec(text)?.[1])
  if (Number.isSafeInteger(version) && version > 0) return version
  throw new UsageError(`a version is a number such as 17 or @17, not ${JSON.stringify(text)}`)
}

/** Throws UsageError. */
export function readWait(text: string): number {
  const wait = parseUnit('duration', text)
  if (wait >= 0 && wait <= LONGEST_WAIT) return wait
  throw new UsageError(`--wait is from 0s to 1h (${UNIT_EXAMPLES.duration}), not ${JSON.stringify(text)}`)
}

/** `user@host`, for the history. */
export function author(): string {
  return `${userName()}@${hostname()}`
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid-${process.getuid?.() ?? 0}` // in containers a user may have no name
  }
}

/** Does this output take colours, and does the user want them? */
export function wantsColour(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY && process.env['TERM'] !== 'dumb' && (process.env['NO_COLOR'] ?? '') === ''
}
