/** Runs actions one after the other, in the order of the calls. */
export const createTurns = (): (<T>(action: () => Promise<T>) => Promise<T>) => {
  let last: Promise<unknown> = Promise.resolve()
  return (action) => {
    const mine = last.then(action)
    last = mine.catch(() => {}) // The caller gets the error. The next action runs nevertheless.
    return mine
  }
}
