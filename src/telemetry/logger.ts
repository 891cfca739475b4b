// The gateway's own log: JSON lines through pino. Access logs have a plugin of their own, and the same form.
import { pino, type Logger as Pino } from 'pino'
import { timestamp } from '../base/timestamp.ts'
import { INFO, LEVELS, type LogLevel } from './log-level.ts'

/** The part of pino that the rooms use. Fields first, then the message. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** `silent`: nothing at all. */
export type LogThreshold = LogLevel | 'silent'

/** What every line of a process has, besides its own. */
export type LogFields = Readonly<Record<string, string | number>>

/** What takes the encoded lines; each ends with a newline. */
export type TakeLine = (level: number, line: string) => void

/** Fields that hold secrets, at any depth. Looked for in the encoded line: redaction by pino costs several times as much. */
const SECRET_FIELD =
  /"((?:proxy-)?authorization|(?:set-)?cookie|password|secret|token|apiKey)":(?:"(?:[^"\\]|\\.)*"|\[[^\]]*\])/gi
const CREDENTIALS = /([a-z]:\/\/)[^\s"/@]+@/gi

/** The value of LOG_LEVEL: debug, info, warn, error or silent; null when it is something else, or nothing. */
export function readThreshold(text: string | undefined): LogThreshold | null {
  return text === 'silent' || LEVELS.includes(text as LogLevel) ? (text as LogThreshold) : null
}

/** A logger whose `level` may be changed. It only encodes: `take` must neither block nor throw. */
export function createLogger(
  level: LogThreshold,
  take: TakeLine = () => {},
  fields: LogFields = {},
): Logger & { level: string } {
  const stream = {
    // With this mark pino says the level of each line in `lastLevel`.
    [Symbol.for('pino.metadata')]: true,
    lastLevel: 30,
    write(line: string): void {
      take(LEVELS[stream.lastLevel / 10 - 2] === undefined ? INFO : stream.lastLevel / 10 - 2, withoutSecrets(line))
    },
  }
  const logger: Pino = pino(
    {
      level,
      base: { service: 'sluice', ...fields },
      formatters: { level: (label) => ({ level: label }) },
      timestamp: timestampField,
    },
    stream,
  )
  return logger
}

/** Errors of clients name the address that they were given, with the password in it. */
function withoutSecrets(line: string): string {
  const shown = line.replace(SECRET_FIELD, '"$1":"***"')
  return shown.includes('@') ? shown.replace(CREDENTIALS, '$1***@') : shown
}

function timestampField(): string {
  return `,"timestamp":"${timestamp()}"`
}
