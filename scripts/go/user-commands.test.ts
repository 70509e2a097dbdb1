import { inspect } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { Authenticator } from '../../src/kinds/authenticator.ts'
import type { UserDirectory } from '../../src/kinds/user-directory.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { createDev, type Dev } from '../../src/system/dev.ts'
import { createCommands } from './commands.ts'
import { TracePrinter } from './trace-printer.ts'
import { Watches } from './watches.ts'

class Directory implements UserDirectory {
  readonly passwords = new Map<string, string>()
  list = (): readonly string[] => [...this.passwords.keys()].sort()
  set = async (name: string, password: string): Promise<void> => {
    if (name.includes(':')) throw new Error("the name has a ':'")
    this.passwords.set(name, password)
  }
  delete = async (name: string): Promise<boolean> => this.passwords.delete(name)
}

let directories: Readonly<Record<string, Directory | undefined>>
/** What is typed when a password is asked for. */
let typed: (string | undefined)[]
let refreshed: () => string | undefined
let dev: Dev
let commands: ReturnType<typeof createCommands>

const authenticator = (users: UserDirectory | undefined) => ({
  component: defineComponent({
    provides: Authenticator,
    needs: {},
    config: z.object({}),
    start: (_config, _dependencies, { name }): Authenticator => ({
      name,
      authenticate: () => ({ result: 'pass' }),
      ...(users !== undefined && { users }),
    }),
    refresh: () => refreshed(),
  }),
})

beforeEach(() => {
  directories = { tokens: undefined, passwordFile: new Directory() }
  typed = []
  refreshed = () => undefined
  dev = createDev({
    load: async () => ({
      config: Object.fromEntries(Object.entries(directories).map(([name, users]) => [name, authenticator(users)])),
      changed: [],
    }),
  })
  commands = createCommands({
    dev,
    drawGraph: async () => '',
    print: () => {},
    loadFile: async () => ({}),
    afterReset: () => undefined,
    disconnected: () => 0,
    ask: async () => typed.shift(),
    watches: new Watches({ print: () => {}, colors: () => false }),
    traces: new TracePrinter(() => undefined),
  })
})
afterEach(() => dev.close())

const call = async (name: string, ...args: unknown[]): Promise<unknown> =>
  (commands[name] as unknown as { call: (...args: unknown[]) => unknown }).call(...args)
const shown = async (name: string, ...args: unknown[]): Promise<string> => inspect(await call(name, ...args))

test('users are added with a password that is asked for twice, listed and deleted', async () => {
  await call('go')
  expect(await shown('users')).toBe("There are no users; addUser('alice') adds one.")
  typed = ['pencil', 'pencil']
  expect(await shown('addUser', 'alice')).toBe('alice was added in passwordFile.')
  expect(directories['passwordFile']!.passwords.get('alice')).toBe('pencil')
  expect(await shown('addUser', 'alice', 'paper')).toBe('The password of alice was changed in passwordFile.')
  expect(directories['passwordFile']!.passwords.get('alice')).toBe('paper')
  expect(await shown('users')).toMatch(/^user +component\nalice +passwordFile\n1 user$/)
  expect(await call('users')).toEqual([{ name: 'alice', component: 'passwordFile' }])
  expect(await shown('deleteUser', 'alice')).toBe('alice was deleted from passwordFile.')
  await expect(call('deleteUser', 'alice')).rejects.toThrow("there is no user 'alice' in passwordFile")
})

test.each([
  [['pencil', 'paper'], 'the two passwords differ'],
  [['pencil', undefined], 'the two passwords differ'],
  [[undefined], 'no password was given'],
  [[''], 'no password was given'],
])('nothing is changed when %j is typed', async (keys, why) => {
  await call('go')
  typed = [...keys]
  await expect(call('addUser', 'alice')).rejects.toThrow(why)
  expect(directories['passwordFile']!.list()).toEqual([])
})

test('what is wrong is said', async () => {
  await expect(call('users')).rejects.toThrow('nothing is running: go() starts the system')
  await expect(call('refresh')).rejects.toThrow('nothing is running')
  await call('go')
  await expect(call('addUser')).rejects.toThrow("addUser takes a name: addUser('alice')")
  await expect(call('addUser', 'alice', 7)).rejects.toThrow('a text')
  await expect(call('deleteUser', '')).rejects.toThrow("deleteUser takes a name: deleteUser('alice')")
  await expect(call('addUser', 'a:b', 'x')).rejects.toMatchObject({ name: 'UsageError', message: "the name has a ':'" })
})

test('without a component that keeps users the commands say so', async () => {
  directories = { tokens: undefined }
  await call('go')
  await expect(call('addUser', 'alice', 'x')).rejects.toThrow(
    'no component that runs keeps users: set passwordFile.enabled to true in the config and call reset()',
  )
})

test('with several components that keep users one has to be named', async () => {
  directories = { one: new Directory(), two: new Directory() }
  await call('go')
  await expect(call('addUser', 'alice', 'x')).rejects.toThrow('several components keep users, so name one: one, two')
  await expect(call('addUser', 'alice', 'x', 'three')).rejects.toThrow("'three' keeps no users; these do: one, two")
  expect(await shown('addUser', 'alice', 'x', 'two')).toBe('alice was added in two.')
  expect(await shown('deleteUser', 'alice', 'two')).toBe('alice was deleted from two.')
})

test('refresh() prints what changed, and what failed', async () => {
  directories = { passwordFile: new Directory() }
  await call('go')
  expect(await shown('refresh')).toBe('Nothing has changed in the files of passwordFile.')
  refreshed = () => '2 users: 1 added'
  expect(await shown('refresh')).toBe('passwordFile: 2 users: 1 added')
  expect(await call('refresh')).toEqual([{ name: 'passwordFile', change: '2 users: 1 added' }])
  refreshed = () => {
    throw new Error('line 3 is bad')
  }
  expect(await shown('refresh')).toContain('the refresh of passwordFile failed: line 3 is bad')
})
