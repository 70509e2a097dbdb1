/** The commands that add, delete and list the users of the authenticators that keep some, such as a password file. */

import type { Authenticator } from '../../src/kinds/authenticator.ts'
import type { UserDirectory } from '../../src/kinds/user-directory.ts'
import type { Dev } from '../../src/system/dev.ts'
import { nameText } from './broker-texts.ts'
import { type Command, shownAs, UsageError } from './command.ts'
import { counted } from './quantities.ts'
import { userDirectoriesOf } from './running.ts'
import { type Cell, table } from './table.ts'

/** Users that are printed; the list that the command returns has all. */
const mostUsers = 100

/** Asks for a password without showing it. @returns undefined when none was typed. */
export type Ask = (question: string) => Promise<string | undefined>

export const userCommands = (dev: Dev, ask: Ask): Readonly<Record<string, Command>> => ({
  users: {
    usage: 'users()',
    help: 'the users that clients can authenticate as',
    call: () => users(dev),
  },
  addUser: {
    usage: "addUser('alice')",
    help: 'adds a user, or gives an existing one another password, which is asked for',
    more: [
      "addUser('alice', 'secret')  takes the password from the line, which the history keeps",
      "addUser('alice', undefined, 'passwordFile')  names the component, where several keep users",
    ],
    call: (name?: unknown, password?: unknown, component?: unknown) => addUser(dev, ask, name, password, component),
  },
  deleteUser: {
    usage: "deleteUser('alice')",
    help: 'deletes a user and disconnects its clients',
    more: ["deleteUser('alice', 'passwordFile')  names the component, where several keep users"],
    call: (name?: unknown, component?: unknown) => deleteUser(dev, name, component),
  },
})

interface ListedUser {
  readonly name: string
  /** The component that knows it. */
  readonly component: string
}

const users = (dev: Dev): readonly ListedUser[] => {
  const list = directoriesOf(dev).flatMap(({ name: component, users }) =>
    users.list().map((name): ListedUser => ({ name, component })),
  )
  return shownAs([...list], (colors) => {
    if (list.length === 0) return "There are no users; addUser('alice') adds one."
    const rows = list
      .slice(0, mostUsers)
      .map(({ name, component }): Cell[] => [{ text: nameText(name), style: 'cyan' }, component])
    const more = list.length > mostUsers ? [`... and ${counted(list.length - mostUsers, 'user')} more`] : []
    return [...table(rows, colors, ['user', 'component']), ...more, counted(list.length, 'user')].join('\n')
  })
}

const addUser = async (dev: Dev, ask: Ask, name: unknown, given: unknown, component: unknown): Promise<object> => {
  const user = nameOf(name, "addUser takes a name: addUser('alice')")
  if (given !== undefined && typeof given !== 'string') throw new UsageError('the password of addUser is a text')
  const directory = directoryOf(dev, component)
  const password = given ?? (await typedPassword(ask))
  const existed = directory.users.list().includes(user)
  await explained(() => directory.users.set(user, password))
  const text = existed ? `The password of ${nameText(user)} was changed` : `${nameText(user)} was added`
  return shownAs({}, `${text} in ${directory.name}.`)
}

const deleteUser = async (dev: Dev, name: unknown, component: unknown): Promise<object> => {
  const user = nameOf(name, "deleteUser takes a name: deleteUser('alice')")
  const directory = directoryOf(dev, component)
  if (!(await explained(() => directory.users.delete(user)))) {
    throw new UsageError(`there is no user '${nameText(user)}' in ${directory.name}`)
  }
  return shownAs({}, `${nameText(user)} was deleted from ${directory.name}.`)
}

const nameOf = (name: unknown, usage: string): string => {
  if (typeof name === 'string' && name !== '') return name
  throw new UsageError(usage)
}

const typedPassword = async (ask: Ask): Promise<string> => {
  const password = await ask('Password: ')
  if (password === undefined || password === '') throw new UsageError('no password was given; nothing was changed')
  if ((await ask('Again: ')) !== password) throw new UsageError('the two passwords differ; nothing was changed')
  return password
}

type Directory = Pick<Authenticator, 'name'> & { readonly users: UserDirectory }

const directoriesOf = (dev: Dev): readonly Directory[] => {
  const found = userDirectoriesOf(dev)
  if (found.length > 0) return found
  if (dev.state.system?.state !== 'running') throw new UsageError('nothing is running: go() starts the system')
  throw new UsageError(
    'no component that runs keeps users: set passwordFile.enabled to true in the config and call reset()',
  )
}

const directoryOf = (dev: Dev, component: unknown): Directory => {
  const directories = directoriesOf(dev)
  const names = directories.map(({ name }) => name).join(', ')
  if (component === undefined && directories.length > 1) {
    throw new UsageError(`several components keep users, so name one: ${names}`)
  }
  const chosen = component === undefined ? directories[0] : directories.find(({ name }) => name === component)
  if (chosen === undefined) throw new UsageError(`'${String(component)}' keeps no users; these do: ${names}`)
  return chosen
}

/** What is wrong with a name or a file is all there is to say: no place in the code helps. */
const explained = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error })
  }
}
