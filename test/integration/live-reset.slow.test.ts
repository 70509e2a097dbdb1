/** The dev loop over a component that hands over: an edit is taken in without a restart. */

import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { describe } from 'vitest'
import { partSource, test, timeout } from '../helpers/dev-loop/world.ts'

const logSource = partSource.slice(0, partSource.indexOf('export const server'))
/** The server, which hands its listening socket over. */
const serverSource = partSource.replace(
  'stop: (instance) => instance.close(),\n})',
  `stop: (instance) => instance.close(),
  connections: () => ({ server: 2 }),
  handover: {
    format: 'server',
    version: 1,
    prepare: () => {
      const refreshes = { count: 0, fail: false }
      return { port: 0, connections: 0, greeting: 'one', refreshes, close: async () => {} }
    },
    give: (instance) => instance,
    take: (instance, state) => {
      const { port, close } = state as typeof instance
      Object.assign(instance, { port, close })
      return () => {}
    },
    retire: () => say('server retired'),
  },
})`,
)
const configSource = `import { defineSystem } from '../../../src/system/define-system.ts'
import { log } from './log.ts'
import { server } from './parts.ts'

export default defineSystem({ server: { component: server, dependencies: { log: 'log' } }, log: { component: log } })
`

describe.concurrent('npm run go over a component that hands over', { timeout }, () => {
  test('plans and swaps an edit; a connection to it stays', async ({ world, expect }) => {
    world.write('log.ts', logSource)
    world.write('parts.ts', serverSource)
    world.write('system.config.ts', configSource)
    const program = world.go()
    await program.said('Running 2 components')
    program.type('"port " + system.server.port + "."')
    await program.said(".'")
    const socket = connect(Number(/port (\d+)\./.exec(program.output)?.[1]), '127.0.0.1')
    await new Promise((resolve) => socket.once('connect', resolve))
    program.type('await plan()')
    await program.said('Nothing changed: log, server are kept.')

    world.write('parts.ts', serverSource.replaceAll("greeting: 'one'", "greeting: 'two'"))
    const from = program.output.length
    program.type("await graph('plan.dot', await plan())", 'await plan()', 'reset()', 'system.server.greeting')
    await program.said("'two'", from)
    const said = program.output.slice(from)
    expect(said).toMatch(/server {2}swap {2}Listener {2}.*parts\.ts changed/)
    expect(said).toContain('Connections of server: 2 kept with new pipelines.')
    expect(said).toMatch(/swap server: .* ms, 2 connections kept \(parts\.ts\)\n/)
    expect(said).toContain('server retired')
    expect(said).not.toContain('server stopped')
    expect(readFileSync(join(world.directory, 'plan.dot'), 'utf8')).toMatch(/swap:[^"]*parts\.ts/)
    expect(socket.closed).toBe(false)

    socket.destroy()
    program.finish()
    expect(await program.ended()).toBe(0)
    expect(program.output.slice(from)).toContain('server stopped\nlog stopped')
  })
})
