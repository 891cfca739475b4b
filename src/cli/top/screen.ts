// The whole terminal for a while. However the program ends, short of SIGKILL, the terminal is as it was before.
import type { ReadStream, WriteStream } from 'node:tty'
import type { Size } from './view.ts'

// Alternate screen and cursor (xterm); a frame that appears at once, where the terminal can do that (mode 2026).
const ENTER = '\x1b[?1049h\x1b[?25l'
const LEAVE = '\x1b[?25h\x1b[?1049l'
const FRAME = '\x1b[?2026h\x1b[H'
const FRAME_END = '\x1b[J\x1b[?2026l'

export interface ScreenEvents {
  readonly input: (text: string) => void
  readonly resized: () => void
  /** Nobody looks any more: 128 and the number of the signal, or 0 when the terminal has gone. */
  readonly ended: (code: number) => void
}

export class Screen {
  readonly #input: ReadStream
  readonly #output: WriteStream
  readonly #undo: (() => void)[] = []
  #open = false

  constructor(input: ReadStream, output: WriteStream) {
    this.#input = input
    this.#output = output
  }

  get size(): Size {
    // Zero where the terminal does not know.
    return { columns: this.#output.columns || 80, rows: this.#output.rows || 24 }
  }

  open({ input, resized, ended }: ScreenEvents): void {
    this.#enter()
    this.#input.setEncoding('utf8')
    this.#on(this.#input, 'data', input)
    this.#on(this.#input, 'end', () => ended(0))
    this.#on(this.#output, 'resize', resized)
    this.#on(this.#output, 'error', () => ended(0))
    this.#on(process, 'SIGTERM', () => ended(143))
    this.#on(process, 'SIGHUP', () => ended(129))
    this.#on(process, 'SIGINT', () => ended(130))
    this.#on(process, 'SIGCONT', () => {
      this.#enter()
      resized()
    })
    // Before the stack of a crash is written, so that it can be read.
    this.#on(process, 'uncaughtExceptionMonitor', () => this.close())
    this.#on(process, 'exit', () => this.close())
  }

  draw(lines: readonly string[]): void {
    if (!this.#open) return
    // A line that fills the terminal leaves the cursor in its last column: what follows must not be a line feed alone.
    this.#output.write(FRAME + lines.map((line) => `${line}\x1b[0m\x1b[K`).join('\r\n') + FRAME_END)
  }

  /** Ctrl-Z: the shell gets its terminal back until SIGCONT. */
  suspend(): void {
    this.#leave()
    process.kill(process.pid, 'SIGSTOP')
  }

  close(): void {
    this.#leave()
    for (const undo of this.#undo.splice(0)) undo()
    this.#input.pause()
  }

  #enter(): void {
    if (this.#open) return
    this.#open = true
    if (this.#input.isTTY) this.#input.setRawMode(true)
    this.#output.write(ENTER)
  }

  #leave(): void {
    if (!this.#open) return
    this.#open = false
    try {
      if (this.#input.isTTY) this.#input.setRawMode(false)
    } catch {
      // The terminal has gone.
    }
    this.#output.write(LEAVE)
  }

  #on(emitter: NodeJS.EventEmitter, event: string, listener: (...values: never[]) => void): void {
    const heard = listener as (...values: unknown[]) => void
    emitter.on(event, heard)
    this.#undo.push(() => emitter.off(event, heard))
  }
}
