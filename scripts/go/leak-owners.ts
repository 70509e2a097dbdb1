/** Which component code acts for: by the call of the container that it is part of, and by the files that it stands in. */

import { isAbsolute, resolve, sep } from 'node:path'
import type { InstanceOwner } from '../../src/system/component-scope.ts'
import type { CallSite } from './call-sites.ts'

/** Our own code: the folder of the package, or that of its build. */
const packageFolder = resolve(import.meta.dirname, '../..')
/** Code that acts for the program and not for a component. */
const programFolders = ['src/system', 'scripts'].map((folder) => resolve(packageFolder, folder))

/** An instance of a component. It refers to nothing of it. */
export class Owner implements InstanceOwner {
  readonly name: string
  /** The files that the component is made of, that which defines it first. Empty when it has ended. */
  files: readonly string[]
  /** The instance that continues from its state. */
  successor: Owner | undefined
  /** Calls of its functions that have not ended. */
  calls = 0

  constructor(name: string, files: readonly string[]) {
    this.name = name
    this.files = files
  }
}

/** Where something was made, and for whom. */
export interface Attribution {
  readonly owner: Owner
  /** The innermost frame of the code of a component. */
  readonly place: CallSite
  /** The innermost frame of a file that no other component is made of, if it is another one. */
  readonly caller: CallSite | undefined
}

export class Owners {
  /** In the order in which they began. */
  readonly #alive = new Map<Owner, ReadonlySet<string>>()

  add(owner: Owner): void {
    this.#alive.set(owner, new Set(owner.files))
  }

  remove(owner: Owner): void {
    this.#alive.delete(owner)
    owner.files = []
  }

  /**
   * Attributes what is made now. One component may call another one: the file decides if it is part of one component alone. Code that
   * several components share counts for its caller.
   * @param context the instance that the container has called; undefined outside of its calls.
   * @returns undefined if it is not made by the code of a component, or by one of several that cannot be told apart.
   */
  attribute(context: Owner | undefined, sites: readonly CallSite[]): Attribution | undefined {
    let place: CallSite | undefined
    for (const site of sites) {
      if (site.file === undefined || isOfProgram(site.file)) continue
      const holders = this.#holdersOf(site.file)
      if (holders.length === 0) {
        if (isOfOtherPackage(site.file)) continue
        // A component of the package that was not loaded from its source: its caller did not make it.
        if (isWithin(site.file, packageFolder)) return undefined
        continue
      }
      place ??= site
      if (new Set(holders.map(({ files }) => files[0])).size > 1) continue
      const owner = oneOf(holders, context)
      return owner && { owner, place, caller: site === place ? undefined : site }
    }
    const owner = context && latest(context)
    return place === undefined || owner === undefined ? undefined : { owner, place, caller: undefined }
  }

  #holdersOf(file: string): readonly Owner[] {
    return [...this.#alive].flatMap(([owner, files]) => (files.has(file) ? [owner] : []))
  }
}

/** The instance that continues for this one. */
export const latest = (owner: Owner): Owner => {
  let last = owner
  while (last.successor !== undefined) last = last.successor
  return last
}

/** Of instances of one component: the one that was called, else the one that is in use. */
const oneOf = (holders: readonly Owner[], context: Owner | undefined): Owner | undefined => {
  const called = context && holders.find((each) => each === latest(context))
  if (called !== undefined) return called
  const [first] = holders
  // During a reset there are two of one name, and the first is in use until the other succeeds it.
  return holders.every(({ name }) => name === first?.name) ? first && latest(first) : undefined
}

/** Whether a file is of Node, or of the program that runs the system. */
const isOfProgram = (file: string): boolean =>
  !isAbsolute(file) || programFolders.some((folder) => isWithin(file, folder))

/** Whether a file is of a package other than ours, which may be installed as one. */
export const isOfOtherPackage = (file: string): boolean => {
  const inner = isWithin(file, packageFolder) ? file.slice(packageFolder.length) : file
  return inner.includes(`${sep}node_modules${sep}`)
}

const isWithin = (file: string, folder: string): boolean => file.startsWith(`${folder}${sep}`)
