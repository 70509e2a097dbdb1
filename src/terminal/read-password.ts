import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import type { ReadStream } from 'node:tty'

/** Characters of a password; what is longer is a file that was meant for something else. */
const maximumPasswordLength = 1_024

/**
 * Reads a password: asked for in a terminal, without showing it, else the first line of the input.
 * @param isNew whether a terminal asks for it twice, since typing mistakes are not visible.
 * @returns undefined when there is none: the input ended, or Ctrl-C was typed.
 * @throws when the password is too long, or when the two differ.
 */
export const readPassword = async (
  input: NodeJS.ReadableStream,
  questions: Writable,
  { isNew = true }: { readonly isNew?: boolean } = {},
): Promise<string | undefined> => {
  const terminal = (input as Partial<ReadStream>).isTTY === true
  // What readline would show of the line that is typed goes nowhere.
  const output = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input, output, terminal, historySize: 0 })
  // Keeps the lines that come before they are asked for.
  const iterator = lines[Symbol.asyncIterator]()
  const ask = async (question: string): Promise<string | undefined> => {
    if (terminal) questions.write(question)
    const { value, done } = await iterator.next()
    if (terminal) questions.write('\n')
    return done ? undefined : value
  }
  try {
    const password = await ask('Password: ')
    if (password === undefined) return undefined
    if (password.length > maximumPasswordLength) {
      throw new Error(`The password is longer than ${maximumPasswordLength} characters.`)
    }
    if (!terminal || !isNew) return password
    const again = await ask('Again: ')
    if (again !== undefined && again !== password) throw new Error('The two are not the same.')
    return again
  } finally {
    lines.close()
  }
}
