import { expect, test } from 'vitest'
import { completeSystem } from './completion.ts'

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
  ['system.server.', ['system.server.explosive', 'system.server.kick', 'system.server.port'], 'system.server.'],
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
