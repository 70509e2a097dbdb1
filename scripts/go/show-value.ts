/** Prints values at the prompt that have no output of their own. */

import { inspect } from 'node:util'

/**
 * Prints a value like Node, except that buffers and typed arrays inside of an object are printed by their size: a component may
 * have buffers of many KiB.
 * @param depth how many levels of objects are printed; default: that of Node.
 */
export const showValue = (value: unknown, colors: boolean, depth = 2): string => {
  // A buffer that is the value itself is printed completely.
  if (ArrayBuffer.isView(value)) return inspect(value, { colors })
  const restore = replaceInspection()
  try {
    return inspect(value, { colors, depth })
  } finally {
    restore()
  }
}

/** The prototypes that define how memory is printed: that of `Buffer`, and the common one of all others. */
const prototypes: readonly object[] = [Buffer.prototype, Object.getPrototypeOf(Uint8Array.prototype) as object]

/** Has memory printed by its size, until the function returned is called: only for the time of one `inspect`, which is synchronous. */
const replaceInspection = (): (() => void) => {
  const before = prototypes.map((prototype) => Object.getOwnPropertyDescriptor(prototype, inspect.custom))
  for (const prototype of prototypes) {
    Object.defineProperty(prototype, inspect.custom, { value: sizeOf, configurable: true, writable: true })
  }
  return () => {
    for (const [index, prototype] of prototypes.entries()) {
      const descriptor = before[index]
      if (descriptor === undefined) Reflect.deleteProperty(prototype, inspect.custom)
      else Object.defineProperty(prototype, inspect.custom, descriptor)
    }
  }
}

function sizeOf(this: NodeJS.TypedArray): string {
  return `<${this.constructor.name} of ${this.byteLength.toLocaleString('en')} bytes>`
}
