/**
 * The values of one attribute of a subject, `OU=Line 1,CN=device\, 7`, in their order. A backslash takes the meaning from the character
 * behind it, so that no value can look like another attribute.
 */
export const attributeValues = (subject: string, name: string): readonly string[] => {
  const values: string[] = []
  // A backslash at the end, or a quote that is not closed: it is not clear what belongs to which value.
  if (!/^(?:\\[\s\S]|"(?:\\[\s\S]|[^"\\])*"|[^\\"])*$/.test(subject)) return values
  for (const part of splitUnescaped(subject)) {
    const equals = part.indexOf('=')
    if (equals !== -1 && part.slice(0, equals).trim() === name) values.push(unescaped(trimmed(part.slice(equals + 1))))
  }
  return values
}

/** Divides at commas, plus signs and line breaks that have no backslash before them and stand in no quotes. */
const splitUnescaped = (text: string): readonly string[] =>
  text.match(/(?:\\[\s\S]|"(?:\\[\s\S]|[^"\\])*"|[^\\,+\n])+/g) ?? []

/** Without the spaces around it that have no backslash before them. */
const trimmed = (text: string): string => /^ *((?:\\[\s\S]|[^\\])*?) *$/.exec(text)?.[1] ?? text

/** `\,` is a comma, `\2C` is one too, by its bytes in UTF-8. */
const unescaped = (text: string): string => {
  const inner = /^"(?:\\[\s\S]|[^"\\])*"$/.test(text) ? text.slice(1, -1) : text
  return inner.replaceAll(/(?:\\[\da-fA-F]{2})+|\\([\s\S])/g, (found, character: string | undefined) =>
    character === undefined ? Buffer.from(found.replaceAll('\\', ''), 'hex').toString() : character,
  )
}
