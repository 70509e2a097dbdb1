/** Characters of a text that a client chose; longer ones are cut off in the log. */
const MAXIMUM_TEXT_LENGTH = 256

/** Cuts off a text that a client chose, for the log. */
export const shortenText = (text: string): string =>
  text.length > MAXIMUM_TEXT_LENGTH ? `${text.slice(0, MAXIMUM_TEXT_LENGTH)}…` : text
