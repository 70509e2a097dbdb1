import type { Writable } from 'node:stream'

/** What `readline` says of a key. */
interface Key {
  readonly name?: string | undefined
  readonly ctrl?: boolean | undefined
  readonly meta?: boolean | undefined
}

/** Longer input is not a typed password. */
const MAXIMUM_LENGTH = 1_024

/**
 * Asks for a password in a terminal that a prompt of `readline` already reads, without showing it. The prompt gets no keys: it
 * would show them, and keep them in its history.
 * @param input in raw mode, with the key presses of `readline`.
 * @returns undefined when the input ended or Ctrl-C or Ctrl-D was typed.
 */
export const askHidden = (
  input: NodeJS.ReadableStream,
  output: Writable,
  question: string,
): Promise<string | undefined> => {
  const others = input.listeners('keypress') as ((...args: unknown[]) => void)[]
  let typed: string[] = []
  output.write(question)
  return new Promise((resolve) => {
    const finish = (password: string | undefined): void => {
      input.off('keypress', onKey).off('end', onEnd)
      for (const other of others) input.on('keypress', other)
      output.write('\n')
      resolve(password)
    }
    const onEnd = (): void => finish(undefined)
    const onKey = (text: string | undefined, { name, ctrl = false, meta = false }: Key): void => {
      if (name === 'return' || name === 'enter') finish(typed.join(''))
      else if (ctrl && (name === 'c' || name === 'd')) finish(undefined)
      else if (ctrl && name === 'u') typed = []
      else if (name === 'backspace') typed.pop()
      else if (!ctrl && !meta && text !== undefined && !/\p{Cc}/u.test(text) && typed.length < MAXIMUM_LENGTH) {
        typed.push(text)
      }
    }
    // Ours first: without any listener `readline` would stop reading keys.
    input.on('keypress', onKey).on('end', onEnd)
    for (const other of others) input.off('keypress', other)
  })
}
