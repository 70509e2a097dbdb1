/** `1 session`, `2 sessions`. @param plural for a noun whose plural does not end in `s`. */
export const counted = (count: number, noun: string, plural = `${noun}s`): string =>
  `${count} ${count === 1 ? noun : plural}`
