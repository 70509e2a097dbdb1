/** What a peer could gain from a reset. */

import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { Authenticator } from '../../src/kinds/authenticator.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { createSystem } from '../../src/system/lifecycle.ts'
import { ControlledAuthenticator } from '../helpers/controlled-authenticator.ts'
import { eventually } from '../helpers/eventually.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { quietSystem } from '../helpers/start-broker.ts'

/** CONNECT of MQTT 3.1.1 as `raw`, without user name and password. */
const CONNECT = '10 0f 0004 4d515454 04 02 0000 0003 726177'
const [ACCEPTED, NOT_AUTHORIZED] = ['20020000', '20020005']

describe('a listener that demands a user name from now on', () => {
  const ending: (() => unknown)[] = []
  afterEach(async () => {
    for (const end of ending.splice(0).toReversed()) await end()
  })

  const start = async () => {
    const authenticator = new ControlledAuthenticator('users')
    const users = defineComponent({
      provides: Authenticator,
      needs: {},
      config: z.strictObject({}),
      start: () => authenticator,
    })
    const { server, mqttHandler } = quietSystem
    const configOf = (allowAnonymous: boolean) => ({
      ...quietSystem,
      users: { component: users },
      mqttHandler: { ...mqttHandler, dependencies: { ...mqttHandler.dependencies, authenticators: ['users'] } },
      server: { ...server, config: { ...server.config, allowAnonymous } },
    })
    const system = createSystem(configOf(true) as typeof quietSystem)
    await system.start()
    ending.push(() => system.stop())
    const connect = async () => {
      const client = await RawClient.connect(system.map.server.port)
      ending.push(() => client.destroy())
      return client
    }
    return {
      authenticator,
      connect,
      apply: (allowAnonymous: boolean) => system.apply(configOf(allowAnonymous)),
      system,
    }
  }

  it.each(['no byte', 'half a CONNECT'])(
    'refuses a client that has opened its connection before, and sent %s',
    async (sent) => {
      const { connect, apply, system } = await start()
      const [early, accepted] = [await connect(), await connect()]
      const half = sent === 'no byte' ? 0 : 20
      early.send(CONNECT.replaceAll(' ', '').slice(0, half))
      expect(await accepted.send(CONNECT).frame()).toBe(ACCEPTED)
      await eventually(() => expect(system.map.server.connections).toBe(2))
      await apply(false)
      expect(await early.send(CONNECT.replaceAll(' ', '').slice(half)).frame()).toBe(NOT_AUTHORIZED)
      // A client that is connected stays.
      expect(await accepted.send('c000').frame()).toBe('d000')
    },
  )

  it('refuses a client that waits for an authenticator', async () => {
    const { authenticator, connect, apply } = await start()
    authenticator.isSlow = true
    const waiting = await connect()
    waiting.send(CONNECT)
    await eventually(() => expect(authenticator.pending).toHaveLength(1))
    await apply(false)
    authenticator.pending[0]!.answer({ result: 'pass' })
    expect(await waiting.frame()).toBe(NOT_AUTHORIZED)
  })

  it('lets it in when it lets everybody in again', async () => {
    const { connect, apply, system } = await start()
    const early = await connect()
    await eventually(() => expect(system.map.server.connections).toBe(1))
    await apply(false)
    await apply(true)
    expect(await early.send(CONNECT).frame()).toBe(ACCEPTED)
  })
})
