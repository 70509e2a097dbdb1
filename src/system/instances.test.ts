import { inspect } from 'node:util'
import { expect, it } from 'vitest'
import { deferred, type Thing, things, turn } from '../../test/system/journal.ts'

const started = async () => {
  const { system } = things({ server: ['log'], log: [], off: [] }, { off: { enabled: false } })
  await system.start()
  return { system, map: system.map as Record<string, Thing> }
}

it('shows the running components in the order in which they start', async () => {
  const { map } = await started()
  expect(Object.keys(map)).toEqual(['log', 'server'])
  expect({ ...map }).toEqual({ log: { name: 'log' }, server: { name: 'server' } })
  expect(inspect(map)).toBe("{ log: { name: 'log' }, server: { name: 'server' } }")
  expect(JSON.stringify(map)).toBe('{"log":{"name":"log"},"server":{"name":"server"}}')
  expect('server' in map).toBe(true)
  expect('off' in map || 'serve' in map || 'then' in map).toBe(false)
})

it('the map of instances is empty before the start and after the stop', async () => {
  const { system, map } = await started()
  await system.stop()
  expect(Object.keys(map)).toEqual([])
  expect(inspect(map)).toBe('{}')
  expect(Object.keys(things({ a: [] }).system.map)).toEqual([])
})

it('survives what a REPL, await and printing look for on any object', async () => {
  const { map } = await started()
  expect(await map).toBe(map)
  expect(`${map}`).toBe('[object Object]')
  expect(Object.prototype.toString.call(map)).toBe('[object Object]')
  for (const probe of ['then', 'toJSON', 'inspect', Symbol.iterator, Symbol.toStringTag]) {
    expect(Reflect.get(map, probe)).toBeUndefined()
  }
  expect(map instanceof Object).toBe(true)
})

it('the map of instances explains why a component is missing', async () => {
  const { system, map } = await started()
  const notRunning = (message: string) => expect.objectContaining({ code: 'NOT_RUNNING', message })
  expect(() => map['off']).toThrow(notRunning('off is not running: it is disabled'))
  expect(() => map['serve']).toThrow(notRunning("there is no component 'serve' in this system; did you mean 'server'?"))
  await system.stop()
  expect(() => map['server']).toThrow(notRunning('server is not running: it is stopped'))
})

it('hides a component from the moment in which its stop begins', async () => {
  const slow = deferred<void>()
  const { system } = things({ a: [] }, { a: { stop: () => slow.promise } })
  await system.start()
  const stopped = system.stop()
  await turn()
  expect(() => (system.map as Record<string, Thing>)['a']).toThrow('a is not running: it is stopping')
  slow.resolve()
  await stopped
})

it('cannot be written to', async () => {
  const { map } = await started()
  expect(() => {
    map['server'] = { name: 'other' }
  }).toThrow(TypeError)
  expect(() => {
    delete map['server']
  }).toThrow(TypeError)
  expect(map['server']).toEqual({ name: 'server' })
})
