/** Runs actions one after the other, in the order of the calls. */
export const createTurns = (): (<T>(action: () => Promise<T>) => Promise<T>) => {
  let last: Promise<unknown> = Promise.resolve()
  return (action) => {
    const mine = last.then(action)
    last = mine.catch(() => {}) // Its caller hears of the failure; the next action goes on regardless.
    return mine
  }
}
