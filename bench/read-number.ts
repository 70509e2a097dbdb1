export interface NumberBounds {
  readonly least: number
  readonly most: number
  readonly whole?: boolean
}

/**
 * Reads a number from the command line.
 * @param name of the option, without its dashes.
 * @param text undefined when the option is not there.
 * @returns `otherwise` when the option is not there.
 * @throws Error that names the option and its bounds.
 */
export const readNumber = <T>(
  name: string,
  text: string | undefined,
  otherwise: T,
  { least, most, whole = false }: NumberBounds,
): number | T => {
  if (text === undefined) return otherwise
  const value = Number(text)
  const fits = text.trim() !== '' && value >= least && value <= most && (!whole || Number.isInteger(value))
  if (fits) return value
  throw new Error(`--${name} takes a ${whole ? 'whole ' : ''}number from ${least} to ${most}, not '${text}'.`)
}
