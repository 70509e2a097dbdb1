import type { ConfLine } from './conf-line.ts'

/** What an operator has to know about one line. */
export interface Note {
  readonly line: ConfLine
  readonly text: string
}

/** The lines that could not be taken over as they are, and why. */
export class Notes {
  readonly all: Note[] = []

  /** @param text why the line is not taken over, or what is different. */
  add(line: ConfLine, text: string): void {
    this.all.push({ line, text })
  }
}

/** An option as it may be shown: values that may be secret are left out. */
export const shown = ({ name, value }: ConfLine): string => {
  if (value === '' || isSecret(name)) return value === '' ? name : `${name} (value not shown)`
  // A comment must stay one line.
  const text = value.replace(/[\p{Cc}\u2028\u2029]/gu, ' ')
  return `${name} ${text.length > MAXIMUM_SHOWN ? `${text.slice(0, MAXIMUM_SHOWN)}…` : text}`
}

const MAXIMUM_SHOWN = 80

/** Options of plugins may hold anything. */
const isSecret = (name: string): boolean =>
  /^(remote_|local_|bridge_)?(password|psk|identity)$|^(auth|plugin)_opt_|kpass/.test(name)
