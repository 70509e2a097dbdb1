/** The maximum length in the log of a text that a client chose, in characters. Longer texts are cut off. */
const MAXIMUM_TEXT_LENGTH = 256

/** Cuts off a text that a client chose, for the log. */
export const shortenText = (text: string): string =>
  text.length > MAXIMUM_TEXT_LENGTH ? `${text.slice(0, MAXIMUM_TEXT_LENGTH)}…` : text
