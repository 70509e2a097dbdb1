import { expect, test } from 'vitest'
import { completeSystem, ownNamesFirst } from './completion.ts'

class Server {
  readonly port = 1
  get explosive(): never {
    throw new Error('read')
  }
  kick(): void {}
}
const map = { server: new Server(), store: {}, 'mqtt-handler': { role: 'handler' } }

test.each<[string, string[], string]>([
  ['system.', ['system.server', 'system.store', "system['mqtt-handler']"], 'system.'],
  ['system.s', ['system.server', 'system.store'], 'system.s'],
  ['1 + system.se', ['system.server'], 'system.se'],
  // A single candidate replaces what is typed; one in brackets cannot replace a dot.
  ['system.mq', [], 'system.mq'],
  ["system['", ["system['server']", "system['store']", "system['mqtt-handler']"], "system['"],
  ['system["mq', ['system["mqtt-handler"]'], 'system["mq'],
  ['system.server.', ['system.server.port', 'system.server.explosive', 'system.server.kick'], 'system.server.'],
  ['x = system.server.po', ['system.server.port'], 'system.server.po'],
  ["system['mqtt-handler'].r", ["system['mqtt-handler'].role"], "system['mqtt-handler'].r"],
])('%s', (line, candidates, replaced) => {
  expect(completeSystem(line, map)).toEqual([candidates, replaced])
})

test.each(['', 'sys', 'systems.', 'my.system.', 'system.server.port.', 'system.unknown.', 'x.y'])(
  'not its business: %j',
  (line) => {
    expect(completeSystem(line, map)).toBeUndefined()
  },
)

test.each<[string, string[], string]>([
  ['', ['watch', 'client', 'clients'], ''],
  ['  ', ['watch', 'client', 'clients'], ''],
  ['c', ['client', 'clients', '', 'clearTimeout', 'console'], 'c'],
  ['await cl', ['client', 'clients', '', 'clearTimeout'], 'cl'],
  ['wat', ['watch'], 'wat'],
  // Not the names of commands: a property, the inside of a text, another word.
  ['x.c', ['node'], 'x.c'],
  ["'c", ['node'], "'c"],
  ['zzz', ['node'], 'zzz'],
])('own names before all others: %j', (line, candidates, replaced) => {
  const word = replaced === '' ? 'c' : replaced
  const known = ['clearTimeout', 'clients', 'console'].filter((name) => name.startsWith(word))
  const node: [string[], string] = [known.length > 0 ? known : candidates.includes('node') ? ['node'] : [], replaced]
  expect(ownNamesFirst(line, ['watch', 'client', 'clients'], node)).toEqual([candidates, replaced])
})
