// Bytes by name, and what they are as a table: one load per byte instead of a chain of comparisons.

export const CR = 13
export const LF = 10
export const SPACE = 32
export const TAB = 9
export const COLON = 58
export const SEMICOLON = 59
export const ZERO = 48
export const DELETE = 127

/** Value of a hexadecimal digit; 255 for any other byte. */
export const HEX_VALUE = new Uint8Array(256).fill(255)
for (let digit = 0; digit < 16; digit++) {
  HEX_VALUE[digit.toString(16).charCodeAt(0)] = digit
  HEX_VALUE[digit.toString(16).toUpperCase().charCodeAt(0)] = digit
}

/** Do the bytes from `at` on say `text` (lower case, token chars), whatever their case? */
export function says(bytes: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if ((bytes[at + i]! | 0x20) !== text.charCodeAt(i)) return false
  return true
}
