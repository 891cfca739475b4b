// Text in a terminal: what it must not do there, and how wide it is.

/** Controls, formatting and directions, private and unassigned characters, separators of lines. */
const HARMFUL = /[\p{C}\p{Zl}\p{Zp}]/gu
const MARKS = /\p{M}/gu
/** East Asian wide characters and emoji (UAX #11, roughly): two columns each. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u

/** Names and errors come from anywhere: they must neither move the cursor nor change colours. */
export function harmless(text: string): string {
  return text.normalize('NFC').replaceAll(MARKS, '').replaceAll(HARMFUL, '·')
}

/** Columns that a harmless text takes. */
export function widthOf(text: string): number {
  let width = 0
  for (const character of text) width += WIDE.test(character) ? 2 : 1
  return width
}

/** Exactly so many columns; what is too long ends in `…`. */
export function fit(text: string, width: number, toTheRight = false): string {
  const clean = harmless(text)
  const free = width - widthOf(clean)
  if (free >= 0) return toTheRight ? ' '.repeat(free) + clean : clean + ' '.repeat(free)
  if (width <= 0) return ''
  let kept = ''
  let used = 0
  for (const character of clean) {
    const more = WIDE.test(character) ? 2 : 1
    if (used + more > width - 1) break
    kept += character
    used += more
  }
  return `${kept}…${' '.repeat(width - 1 - used)}`
}

export type Style = 'plain' | 'bold' | 'dim' | 'good' | 'warn' | 'bad' | 'head' | 'alarm'

const CODES: Readonly<Record<Exclude<Style, 'plain'>, string>> = {
  bold: '1',
  dim: '2',
  good: '32',
  warn: '33',
  bad: '31',
  head: '7',
  alarm: '1;31',
}

/** `colour`: the terminal has styles, and the user wants them. The text is harmless already. */
export function styled(text: string, style: Style, colour: boolean): string {
  return !colour || style === 'plain' || text === '' ? text : `\x1b[${CODES[style]}m${text}\x1b[0m`
}
