/**
 * Prepares a user name or password for comparison, as SASLprep (RFC 4013) does: spaces of all kinds become U+0020, soft
 * hyphens and the like vanish, and the rest is brought into Unicode's form KC, by the Unicode version of this Node.
 * Unlike SASLprep it lets pass text that mixes directions and characters newer than Unicode 3.2.
 *
 * @returns undefined when nothing is left, or when it holds a character that SASLprep prohibits: control characters,
 * private use, non-characters, surrogates, and those that change how text is displayed.
 */
export const prepare = (text: string): string | undefined => {
  const prepared = text.replace(mappedToSpace, ' ').replace(mappedToNothing, '').normalize('NFKC')
  return prepared === '' || prohibited.test(prepared) ? undefined : prepared
}

/** Table C.1.2 of RFC 3454. */
const mappedToSpace = /[\u{a0}\u{1680}\u{2000}-\u{200b}\u{202f}\u{205f}\u{3000}]/gu
/** Table B.1 of RFC 3454, but for U+200B, which is a space above. */
// biome-ignore lint/suspicious/noMisleadingCharacterClass: these are code points to remove, not characters to read.
const mappedToNothing = /[\u{ad}\u{34f}\u{1806}\u{180b}-\u{180d}\u{200c}\u{200d}\u{2060}\u{fe00}-\u{fe0f}\u{feff}]/gu
/** Tables C.2.1 to C.9, and characters of their kinds that came after RFC 3454. */
const prohibited = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\p{Noncharacter_Code_Point}\u{2ff0}-\u{2ffb}\u{fffc}\u{fffd}]/u
