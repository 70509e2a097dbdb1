/** The text of a log line for people: one line of plain words, and the stack of an error below it. */

/** Characters that one value may have in the text. */
const MAXIMUM_VALUE_LENGTH = 60
/** Fields that are not facts about the event. */
const NOT_SHOWN: ReadonlySet<string> = new Set(['level', 'time', 'pid', 'hostname', 'component', 'err'])

/** An error as pino writes it. */
interface WrittenError {
  readonly message?: unknown
  readonly stack?: unknown
}

/**
 * The message of a line with what else it says. Fields follow as `key=value`, but for those whose value the message names
 * already. Control characters are escaped: a Client Identifier cannot begin a line of its own or recolour the terminal.
 * @param line a parsed line of JSON, as pino writes it.
 */
export const readableMessage = (line: Readonly<Record<string, unknown>>, messageKey: string): string => {
  const { err, component } = line as { err?: WrittenError; component?: unknown }
  const message = typeof line[messageKey] === 'string' ? line[messageKey] : ''
  const facts = Object.entries(line)
    .filter(([key]) => key !== messageKey && !NOT_SHOWN.has(key))
    .map(([key, value]): [string, string] => [key, textOf(value)])
    .filter(([, value]) => !holds(message, value))
    .map(([key, value]) => `${key}=${cutOff(value)}`)
  const source = typeof component === 'string' ? [`[${component}]`] : []
  const text = [...source, message, ...facts].map(onOneLine).join(' ')
  return err === undefined ? text : `${text}\n${stackOf(err)}`
}

/** Whether a text holds a value as a whole word: not the 2 of 127. */
const holds = (text: string, value: string): boolean => {
  if (value === '') return true
  for (let at = text.indexOf(value); at >= 0; at = text.indexOf(value, at + 1)) {
    if (!isWord(text[at - 1]) && !isWord(text[at + value.length])) return true
  }
  return false
}

const isWord = (character: string | undefined): boolean => character !== undefined && /[\p{L}\p{N}_]/u.test(character)

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

const cutOff = (text: string): string =>
  text.length > MAXIMUM_VALUE_LENGTH ? `${text.slice(0, MAXIMUM_VALUE_LENGTH)}…` : text

/** The stack keeps its lines, each of them further in than the lines of the log. */
const stackOf = ({ stack, message }: WrittenError): string =>
  String(stack ?? message)
    .split('\n')
    .map((text) => `    ${onOneLine(text)}`)
    .join('\n')

/** Control characters, separators of lines, and characters that change the direction of the text. */
const CONTROLS = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu

const onOneLine = (text: string): string =>
  text.replace(CONTROLS, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
