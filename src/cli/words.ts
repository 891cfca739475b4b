// How the command line says numbers and tables.
import { fit, widthOf, harmless } from './top/cells.ts'

/** `1 route`, `2 routes`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** Columns as wide as their widest cell; whatever the cells say does no harm in a terminal. */
export function table(rows: readonly (readonly string[])[]): string {
  const clean = rows.map((row) => row.map(harmless))
  const widths = clean[0]!.map((_, column) => Math.max(...clean.map((row) => widthOf(row[column]!))))
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => (column === row.length - 1 ? cell : fit(cell, widths[column]!))).join('  ')
  return clean.map((row) => `${line(row).trimEnd()}\n`).join('')
}

/** `2026-11-21 18:00:03`, UTC; `-` when it is not known. */
export function writtenTime(time: number): string {
  const date = new Date(time)
  return time <= 0 || Number.isNaN(date.getTime()) ? '-' : date.toISOString().slice(0, 19).replace('T', ' ')
}
