/** How the prompt prints a value that has no way of its own. */

import { inspect } from 'node:util'

/**
 * The value, as Node prints it but for memory inside of it: buffers and typed arrays that belong to an object are printed by their
 * size. A component holds buffers of many KiB, and the screen has to show the component.
 * @param depth how many levels of objects are printed; Node's own unless told otherwise.
 */
export const showValue = (value: unknown, colors: boolean, depth = 2): string => {
  // What was asked for by itself is to be seen.
  if (ArrayBuffer.isView(value)) return inspect(value, { colors })
  const restore = replaceInspection()
  try {
    return inspect(value, { colors, depth })
  } finally {
    restore()
  }
}

/** The prototypes that say how memory is printed. `Buffer` has its own way, and all others inherit one. */
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
