/** Text of others for a terminal, which would obey its control characters or show its letters in another order. */

/** Control characters, line and paragraph separators, and the marks that change the direction of text. */
const CONTROLS = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu

/** One line: control characters as `\x1B`, others as `\u202E`, line breaks among them. */
export const visibleLine = (text: string): string => text.replace(CONTROLS, escaped)

/** The same, but line breaks and tabs stay. */
export const visibleText = (text: string): string =>
  text.replace(CONTROLS, (each) => (each === '\n' || each === '\t' ? each : escaped(each)))

/** JSON in one line, with the same value: these characters are escaped, as JSON has it. */
export const visibleJson = (value: unknown): string =>
  JSON.stringify(value).replace(CONTROLS, (each) => `\\u${hex(each, 4).toLowerCase()}`)

const escaped = (character: string): string =>
  character.charCodeAt(0) > 0xff ? `\\u${hex(character, 4)}` : `\\x${hex(character, 2)}`

const hex = (character: string, digits: number): string =>
  character.charCodeAt(0).toString(16).toUpperCase().padStart(digits, '0')
