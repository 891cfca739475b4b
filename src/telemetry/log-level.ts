// Levels of log entries, from what is given up first to what is given up last.

export const LEVELS = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof LEVELS)[number]

/** Positions in LEVELS. */
export const DEBUG = 0
export const INFO = 1
export const WARN = 2
export const ERROR = 3

const INDEX: Readonly<Record<LogLevel, number>> = { debug: DEBUG, info: INFO, warn: WARN, error: ERROR }

export function levelIndex(level: LogLevel): number {
  return INDEX[level]
}
