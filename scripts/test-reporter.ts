// Node's `spec` reporter with the summary last: below the details of what failed, where it is looked for.
import { Readable } from 'node:stream'
import { spec } from 'node:test/reporters'
import type { TestEvent } from 'node:test/reporters'

export default async function* reporter(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const summary: string[] = []
  async function* withoutSummary(): AsyncGenerator<TestEvent> {
    for await (const event of source) {
      // What a test says belongs to a file; the counts belong to none.
      if (event.type === 'test:diagnostic' && event.data.file === undefined) summary.push(event.data.message)
      else yield event
    }
  }
  for await (const text of Readable.from(withoutSummary()).pipe(new spec())) yield String(text)
  yield `\n${summary.map((line) => `ℹ ${line}\n`).join('')}`
}
