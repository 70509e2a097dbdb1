/**
 * State of a module that outlives the module: the development loop loads changed files again, and a variable of the old module
 * would be lost. The state has a name that all versions of the module share. The state must be plain data: an instance of a
 * class would belong to the old class.
 * @param name unique in this package: the module and the content.
 * @param make makes the state when there is none yet in this process.
 * @returns the state, the same object for every caller.
 */
export const kept = <T extends object>(name: string, make: () => T): T => {
  const global = globalThis as { [PLACES]?: Map<string, object> }
  global[PLACES] ??= new Map()
  const places = global[PLACES]
  let state = places.get(name)
  if (state === undefined) {
    state = make()
    places.set(name, state)
  }
  return state as T
}

/** The same symbol in every copy of this file. */
const PLACES: unique symbol = Symbol.for('mqtt-jig.kept') as never
