import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { relative, resolve } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { AnyComponent, AnySystemConfig } from '../../src/system/define-system.ts'
import { createSystem, type System } from '../../src/system/lifecycle.ts'
import { handingOver, type Leaving, leavingComponent, resuming, whatIsLeft } from '../../test/helpers/leaks/leaving.ts'
import { reminded } from '../../test/helpers/leaks/reminded.ts'
import { LeakWatch } from './leak-watch.ts'

const root = resolve(import.meta.dirname, '../..')
const folder = resolve(root, 'test/helpers/leaks')
const leavingFile = `${folder}/leaving.ts`

let printed: string[]
let watch: LeakWatch
const releases: (() => unknown)[] = []

beforeEach(() => {
  printed = []
  watch = new LeakWatch({
    filesOf: (component) => (component === reminded ? [`${folder}/reminded.ts`, leavingFile] : [leavingFile]),
    shorten: (file) => relative(root, file),
    print: (text) => printed.push(text),
  })
})

afterEach(async () => {
  watch.close()
  for (const release of releases.splice(0)) await release()
})

const run = async (config: AnySystemConfig): Promise<System<AnySystemConfig>> => {
  const system = createSystem<AnySystemConfig>(config, { scope: watch })
  await system.start()
  keep(system)
  return system
}

/** What instances leave is ended after the test. */
const keep = (system: System<AnySystemConfig>): void => {
  for (const name of system.order) releases.push(...(system.map as Record<string, Leaving>)[name]!.releases)
}

/** What is printed until everything that has ended was looked at, without the lines of the places. */
const told = async (): Promise<string[]> => {
  await watch.settled()
  return printed.splice(0).map((line) => line.replace(/:\d+/g, ':N'))
}

const entry = (component: AnyComponent, config: object = {}, neighbour?: string) => ({
  component,
  config,
  dependencies: neighbour === undefined ? {} : { neighbour },
})

const texts: Readonly<Record<(typeof whatIsLeft)[number], string | undefined>> = {
  timeout: 'a timer (90,000 ms)',
  interval: 'a timer (1,000 ms)',
  server: 'a server',
  socket: 'a socket',
  watcher: 'a file watcher',
  process: 'a child process',
  worker: 'a worker thread',
  none: undefined,
}
const place = 'test/helpers/leaks/leaving.ts:N'

test.each(whatIsLeft)('a component that leaves: %s', async (leaves) => {
  const system = await run({ heartbeat: entry(leavingComponent(), { leaves }) })
  await watch.settled()
  expect(printed).toEqual([])
  await system.stop()
  const lines = await told()
  const text = texts[leaves]
  // Of the two sockets, one is that of the client and one was accepted.
  const line = `heartbeat left ${text}, ${place}`
  expect(lines).toEqual(text === undefined ? [] : leaves === 'socket' ? [line, line] : [line])
})

test('the line is that of the source', async () => {
  const system = await run({ heartbeat: entry(leavingComponent(), { leaves: 'timeout' }) })
  await system.stop()
  await watch.settled()
  const lines = readFileSync(leavingFile, 'utf8').split('\n')
  const line = lines.findIndex((text) => text.includes('90_000')) + 1
  expect(printed).toEqual([`heartbeat left a timer (90,000 ms), test/helpers/leaks/leaving.ts:${line}`])
})

test('all of one kind at one place are one line', async () => {
  const system = await run({ heartbeat: entry(leavingComponent()) })
  for (let count = 0; count < 3; count += 1) system.map['heartbeat'].remind()
  keep(system)
  await system.stop()
  expect(await told()).toEqual([`heartbeat left 3 timers (70,000 ms), ${place}`])
})

test('an instance that is adjusted or kept leaves nothing yet, and its timers are its own until it stops', async () => {
  const component = leavingComponent()
  const config = (value: number) => ({
    heartbeat: entry(component, { leaves: 'interval', value }),
    other: entry(component, { leaves: 'timeout' }),
  })
  const system = await run(config(1))
  const { plan } = await system.apply(config(2))
  expect(plan.parts.map(({ verdict }) => verdict)).toEqual(['adjust', 'keep'])
  expect(await told()).toEqual([])
  await system.stop()
  expect((await told()).toSorted()).toEqual([
    `heartbeat left a timer (1,000 ms), ${place}`,
    `other left a timer (90,000 ms), ${place}`,
  ])
})

test('a restart tells what the instance before left', async () => {
  const config = (code: number) => ({ heartbeat: entry(leavingComponent(code), { leaves: 'interval' }) })
  const system = await run(config(1))
  await system.apply(config(2))
  keep(system)
  expect(await told()).toEqual([`heartbeat left a timer (1,000 ms), ${place}`])
  await system.stop()
  expect(await told()).toEqual([`heartbeat left a timer (1,000 ms), ${place}`])
})

test.each([
  ['swap', handingOver],
  ['restart', resuming],
] as const)(
  'a %s: timers do not go over; servers and their connections do, and are told when the successor leaves them',
  async (verdict, component) => {
    const config = (code: number) => ({ heartbeat: entry(component(code)) })
    const system = await run(config(1))
    const { server } = system.map['heartbeat'] as Leaving
    releases.push(() => server?.close())
    const socket = connect((server!.address() as AddressInfo).port, '127.0.0.1').on('error', () => {})
    releases.push(() => socket.destroy())
    await Promise.all([once(socket, 'connect'), once(server!, 'connection')])

    const { plan } = await system.apply(config(2))
    expect(plan.parts.map(({ verdict }) => verdict)).toEqual([verdict])
    expect(await told()).toEqual([`heartbeat left a timer (70,000 ms), ${place}`])
    await system.stop()
    expect(await told()).toEqual([`heartbeat left a server, ${place}`, `heartbeat left a socket, ${place}`])
  },
)

test('a timer is that of the component whose code makes it, not of the one that calls', async () => {
  const caller = leavingComponent()
  const config = (value: number) => ({
    reminded: { component: reminded },
    heartbeat: entry(caller, { value }, 'reminded'),
  })
  const system = await run(config(1))
  await system.apply({ reminded: { component: reminded } })
  expect(await told()).toEqual([])
  await system.stop()
  expect(await told()).toEqual(['reminded left a timer (60,000 ms), test/helpers/leaks/reminded.ts:N'])
})

test('also what an event of a connection makes', async () => {
  const system = await run({ heartbeat: entry(handingOver(1)) })
  const { server, releases: made } = system.map['heartbeat'] as Leaving
  const socket = connect((server!.address() as AddressInfo).port, '127.0.0.1')
  const [accepted] = (await Promise.all([once(server!, 'connection'), once(socket, 'connect')]))[0] as [Socket]
  const noticed = once(accepted, 'data')
  accepted.once('data', () => system.map['heartbeat'].remind())
  socket.write('x')
  await noticed
  socket.destroy()
  await once(accepted, 'close')
  server?.close()
  releases.push(...made)
  await system.stop()
  expect(await told()).toEqual([`heartbeat left 2 timers (70,000 ms), ${place}`])
})

test('a start that fails tells what it has left', async () => {
  const system = createSystem<AnySystemConfig>(
    { heartbeat: entry(leavingComponent(), { leaves: 'timeout', fails: true }) },
    { scope: watch },
  )
  const error = await system.start().catch((thrown: unknown) => thrown)
  releases.push(...(error as { cause: { instance: Leaving } }).cause.instance.releases)
  expect(await told()).toEqual([`heartbeat left a timer (90,000 ms), ${place}`])
})

test('a component whose files are not known is not told', async () => {
  watch.close()
  watch = new LeakWatch({ filesOf: () => [], shorten: (file) => file, print: (text) => printed.push(text) })
  const system = await run({ heartbeat: entry(leavingComponent(), { leaves: 'timeout' }) })
  await system.stop()
  expect(await told()).toEqual([])
})

test('an error while a handle is noted ends the watch, and not the process', async () => {
  watch.close()
  const shorten = (): string => {
    throw new Error('no such root')
  }
  watch = new LeakWatch({ filesOf: () => [leavingFile], shorten, print: (text) => printed.push(text) })
  const system = await run({ heartbeat: entry(leavingComponent(), { leaves: 'timeout' }) })
  await system.stop()
  expect(await told()).toEqual(['What components leave behind is not watched any more: no such root'])
})

test('it keeps neither instances nor components alive', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const config = (code: number) => ({ heartbeat: entry(handingOver(code)) })
  const first = config(1)
  const system = await run(first)
  const former = [new WeakRef(system.map['heartbeat'] as object), new WeakRef(first.heartbeat.component)]
  const { server } = system.map['heartbeat'] as Leaving
  releases.push(() => server?.close())
  first.heartbeat = undefined as never
  for (let code = 2; code < 5; code += 1) await system.apply(config(code))
  await watch.settled()
  for (let round = 0; round < 5; round += 1) {
    await nextTurn()
    collect()
  }
  expect(former.map((ref) => ref.deref())).toEqual([undefined, undefined])
  await system.stop()
})
