// The gateway's own log: JSON lines through pino. Access logs have a plugin of their own.
import { pino, type Logger as Pino } from 'pino'

/** The part of pino that the rooms use. Fields first, then the message. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

const LEVELS = ['debug', 'info', 'warn', 'error', 'silent']

/**
 * Logs to standard output. `level` is debug, info, warn, error or silent; anything else means info.
 * Writes are synchronous: these lines are few, and the last one before an exit matters most.
 */
export function createLogger(level = 'info'): Logger {
  const logger: Pino = pino(
    {
      level: LEVELS.includes(level) ? level : 'info',
      base: { service: 'sluice' },
      formatters: { level: (label) => ({ level: label }) },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    pino.destination({ dest: 1, sync: true }),
  )
  return logger
}
