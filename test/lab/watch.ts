// Waiting for an event instead of sleeping: conditions are looked at when anything happens.

const PATIENCE = 15_000

export class Watch {
  readonly #waiting = new Set<() => void>()

  look(): void {
    for (const look of this.#waiting) look()
  }

  /** Rejects after 15 s. */
  until(condition: () => boolean, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (!condition()) return
        clearTimeout(timer)
        this.#waiting.delete(look)
        resolve()
      }
      const timer = setTimeout(() => {
        this.#waiting.delete(look)
        reject(new Error(`waited in vain for ${what}`))
      }, PATIENCE)
      this.#waiting.add(look)
      look()
    })
  }
}
