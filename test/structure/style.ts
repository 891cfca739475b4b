// What every file of the project keeps to, as far as a test can tell.
import { codeOf } from './sources.ts'

const MAX_LINES = 400

// Spelt so that this file does not find itself.
const UNFINISHED = /\bT[O]DO\b|\bF[I]XME\b|\bX[X]X\b/
const LEFT_OUT = /\b(?:it|test|describe|suite)\.(?:skip|only|todo)\b|\b(?:skip|only|todo): true\b/
const CONSOLE = /\bconsole\.(?:log|debug)\(/

/** The file that is one on purpose: the public face of the gateway towards plugins. */
const FACES = new Set(['src/contract/plugin.ts'])

/** One line for each rule that the file breaks. */
export function faults(file: string, text: string): string[] {
  const found: string[] = []
  const code = codeOf(text)
  const lines = text.split('\n').length - 1
  if (lines > MAX_LINES) found.push(`${file} has ${lines} lines, more than ${MAX_LINES}`)
  if (UNFINISHED.test(text)) found.push(`${file} has a mark of unfinished work`)
  if (LEFT_OUT.test(code)) found.push(`${file} leaves tests out`)
  if (!/^(?:src|plugins)\//.test(file)) return found
  if (CONSOLE.test(code)) found.push(`${file} writes to the console`)
  if (!FACES.has(file) && isBarrel(code)) found.push(`${file} only passes on what others export`)
  return found
}

/** Has the file code, all of which is `import` and `export ... from`? */
function isBarrel(code: string): boolean {
  const own = code.replaceAll(/^\s*(?:import|export)\b[^'"`;=()]*?(?:\bfrom\s+)?(['"]).+?\1;?\s*$/gm, '')
  const listed = own.replaceAll(/^\s*export\s+(?:type\s+)?\{[^}]*\};?\s*$/gm, '')
  return code.trim() !== '' && listed.trim() === ''
}

/** Targets of the links in a page that lead to files, without the part after `#`. */
export function fileLinks(markdown: string): string[] {
  const prose = markdown.replaceAll(/^(```|~~~)[\s\S]*?^\1/gm, '').replaceAll(/`[^`\n]*`/g, '')
  return [...prose.matchAll(/\]\(\s*<?([^)\s>#]+)[^)]*\)/g)]
    .map(([, target]) => target!)
    .filter((target) => !/^[a-z][a-z0-9+.-]*:/i.test(target))
}
