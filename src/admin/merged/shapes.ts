// Is what a worker says of the form that is expected? A report that is not is as good as none.
import { areCells } from '../../telemetry/latency-cells.ts'

/** A check, an object of them, or a list whose entries have one. What else an object has is not looked at. */
export type Shape = ((value: unknown) => boolean) | readonly [Shape] | { readonly [name: string]: Shape }

export const NUMBER: Shape = (value) => typeof value === 'number'
export const TEXT: Shape = (value) => typeof value === 'string'
export const FLAG: Shape = (value) => typeof value === 'boolean'
export const CELLS: Shape = areCells

export function orNull(shape: Shape): Shape {
  return (value) => value === null || matches(value, shape)
}

export function matches(value: unknown, shape: Shape): boolean {
  if (typeof shape === 'function') return shape(value)
  if (isList(shape)) return Array.isArray(value) && value.every((each) => matches(each, shape[0]))
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(shape).every(([name, each]) => matches((value as Record<string, unknown>)[name], each))
}

function isList(shape: Exclude<Shape, (value: unknown) => boolean>): shape is readonly [Shape] {
  return Array.isArray(shape)
}

/** Throws when it is not of that form. */
export function readJson(bytes: Buffer, shape: Shape): unknown {
  const value: unknown = JSON.parse(bytes.toString())
  if (!matches(value, shape)) throw new TypeError('an answer of another form')
  return value
}
