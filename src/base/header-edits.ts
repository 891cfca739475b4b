// Changes to a head that is not there yet, or that is still one block of bytes: kept in order, applied later.
import type { HeaderList } from './headers.ts'

export const SET = 0
export const ADD = 1
export const REMOVE = 2

/** Emptied and filled again for every request, like HeaderList. */
export class HeaderEdits {
  readonly operations: number[] = []
  /** Of REMOVE the value is ''. */
  readonly names: string[] = []
  readonly values: string[] = []
  length = 0

  push(operation: typeof SET | typeof ADD | typeof REMOVE, name: string, value: string): void {
    const at = this.length++
    this.operations[at] = operation
    this.names[at] = name
    this.values[at] = value
  }

  clear(): void {
    for (let i = 0; i < this.length; i++) {
      this.names[i] = ''
      this.values[i] = ''
    }
    this.length = 0
  }

  applyTo(headers: HeaderList): void {
    for (let i = 0; i < this.length; i++) {
      const name = this.names[i]!
      if (this.operations[i] === SET) headers.set(name, this.values[i]!)
      else if (this.operations[i] === ADD) headers.push(name, this.values[i]!)
      else headers.remove(name)
    }
  }
}
