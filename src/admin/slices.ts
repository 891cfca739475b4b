// Long lists are made in slices, so that no request waits for an operator's question.
import { Slice } from '../base/slice.ts'

/** The text of each entry, in slices. Stops early, with what there is, when `signal` is aborted. */
export async function textOfEach<T>(
  entries: Iterable<T>,
  write: (entry: T) => string,
  signal?: AbortSignal,
): Promise<string[]> {
  const texts: string[] = []
  const slice = new Slice()
  for (const entry of entries) {
    texts.push(write(entry))
    if (!slice.over) continue
    await slice.pause()
    if (signal?.aborted === true) break
  }
  return texts
}
