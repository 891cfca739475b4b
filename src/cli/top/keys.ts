// What the keys of `sluice top` do.
import { ENDPOINT_COLUMNS, ROUTE_COLUMNS } from './tables.ts'
import type { View } from './view.ts'

const LONGEST_FILTER = 200

/** What terminals send for keys without a character (ECMA-48, xterm). */
const SEQUENCES: Readonly<Record<string, string>> = {
  '\x1b[A': 'up',
  '\x1bOA': 'up',
  '\x1b[B': 'down',
  '\x1bOB': 'down',
  '\x1b[5~': 'page up',
  '\x1b[6~': 'page down',
  '\x1b[H': 'home',
  '\x1b[F': 'end',
  '\x1b': 'escape',
  '\r': 'enter',
  '\n': 'enter',
  '\x7f': 'backspace',
  '\b': 'backspace',
  '\x03': 'interrupt',
  '\x1a': 'suspend',
}

/** The keys that were pressed, by name or by character. What is not known is left out. */
export function keysOf(input: string): string[] {
  return (input.match(/\x1b(?:\[[0-9;]*[~A-Za-z]|O[A-Za-z])?|[^\x1b]/gu) ?? [])
    .map((key) => SEQUENCES[key] ?? key)
    .filter((key) => !/^[\x00-\x1f]/.test(key))
}

/** `page`: rows on the screen. The view after the key; null: it is over. */
export function press(view: View, key: string, page: number): View | null {
  if (key === 'interrupt') return null
  return view.typing ? type(view, key) : command(view, key, page)
}

function type(view: View, key: string): View {
  if (key === 'enter') return { ...view, typing: false }
  if (key === 'escape') return { ...view, typing: false, filter: '', offset: 0 }
  if (key === 'backspace') return { ...view, filter: Array.from(view.filter).slice(0, -1).join(''), offset: 0 }
  // Names of keys are longer than a character.
  if (Array.from(key).length > 1 || view.filter.length >= LONGEST_FILTER) return view
  return { ...view, filter: view.filter + key, offset: 0 }
}

function command(view: View, key: string, page: number): View | null {
  switch (key) {
    case 'q':
      return null
    case 's':
      return sortedByNext(view)
    case 'r':
      return { ...view, table: 'routes', offset: 0 }
    case 'u':
      return { ...view, table: 'upstreams', offset: 0 }
    case '/':
      return { ...view, typing: true }
    case 'escape':
      return { ...view, filter: '', offset: 0 }
    case 'up':
    case 'k':
      return scrolled(view, -1)
    case 'down':
    case 'j':
      return scrolled(view, 1)
    case 'page up':
      return scrolled(view, -page)
    case 'page down':
    case ' ':
      return scrolled(view, page)
    case 'home':
      return { ...view, offset: 0 }
    case 'end':
      return scrolled(view, Infinity)
    default:
      return view
  }
}

function sortedByNext(view: View): View {
  const { table, sorted } = view
  const columns = table === 'routes' ? ROUTE_COLUMNS.length : ENDPOINT_COLUMNS.length
  return { ...view, sorted: { ...sorted, [table]: (sorted[table] + 1) % columns }, offset: 0 }
}

function scrolled(view: View, by: number): View {
  const { table, reading, endpoints, offset } = view
  const rows = table === 'routes' ? (reading?.routes.length ?? 0) : endpoints.length
  return { ...view, offset: Math.max(0, Math.min(rows - 1, offset + by)) }
}
