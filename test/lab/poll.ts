// Waiting for what tells nobody when it happens: a file that appears, a counter that grows.

const PATIENCE = 30_000
const INTERVAL = 10

/** Looks every 10 ms; rejects after 30 s. */
export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + PATIENCE
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`waited in vain for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, INTERVAL))
  }
}
