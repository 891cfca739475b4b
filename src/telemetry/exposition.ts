// Samples as text (Prometheus exposition format 0.0.4).
import type { Sample } from './metrics.ts'

export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** One block per name, with its help and kind. */
export function exposition(samples: readonly Sample[]): string {
  const blocks = new Map<string, string[]>()
  for (const { name, help, kind, labels, value } of samples) {
    const lines = blocks.get(name) ?? [`# HELP ${name} ${escaped(help)}`, `# TYPE ${name} ${kind}`]
    blocks.set(name, lines)
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text).replaceAll('"', '\\"')}"`)
    lines.push(`${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}`)
  }
  return [...blocks.values()].map((lines) => lines.join('\n') + '\n').join('')
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}
