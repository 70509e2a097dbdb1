/** The broker under the dev loop: a reset that fails loses neither sessions, nor messages, nor the port. */

import { type IClientOptions, type MqttClient, connect as open } from 'mqtt'
import { afterEach, describe, expect } from 'vitest'
import { type Program, test, timeout } from '../helpers/dev-loop/world.ts'

/** The config of the broker with another server entry; like all copies it stands three folders below the root. */
const configWith = (server: string): string => `
import base from '../../../memory.config.ts'

export default {
  ...base,
  logger: { ...base.logger, config: { level: 'silent' } },
  server: { ...base.server, config: { host: '127.0.0.1', port: 0 }, ${server} },
}
`
const sound = configWith('')

const clients: MqttClient[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) await client.endAsync(true)
})

const connect = async (port: number, options: IClientOptions) => {
  const client = open({ host: '127.0.0.1', port, reconnectPeriod: 0, ...options })
  clients.push(client)
  // Before CONNACK has come: the first message may come with it.
  const message = new Promise<string>((resolve) => {
    client.once('message', (topic, payload) => resolve(`${topic} ${payload}`))
  })
  const { sessionPresent } = await new Promise<{ sessionPresent: boolean }>((resolve, reject) => {
    client.once('connect', resolve).once('error', reject)
  })
  return { client, message, sessionPresent }
}

const away: IClientOptions = { clientId: 'away', clean: false, protocolVersion: 4 }

/** Leaves a session with a message that waits for its client, and a retained message. @returns who published them. */
const leaveState = async (port: number): Promise<MqttClient> => {
  const { client } = await connect(port, away)
  await client.subscribeAsync('a/+', { qos: 1 })
  await client.endAsync()
  const publisher = await connect(port, { clientId: 'publisher' })
  await publisher.client.publishAsync('a/1', 'waiting', { qos: 1 })
  await publisher.client.publishAsync('kept', 'retained', { qos: 1, retain: true })
  return publisher.client
}

const expectState = async (port: number): Promise<void> => {
  const { sessionPresent, message } = await connect(port, away)
  expect(sessionPresent).toBe(true)
  expect(await message).toBe('a/1 waiting')
  const late = await connect(port, { clientId: 'late' })
  await late.client.subscribeAsync('kept')
  expect(await late.message).toBe('kept retained')
}

const portOf = async (program: Program): Promise<number> => {
  const from = program.output.length
  program.type('"port " + system.server.port + "."')
  await program.said(".'", from)
  return Number(/'port (\d+)\.'/.exec(program.output.slice(from))?.[1])
}

describe('a reset that fails', { timeout }, () => {
  test('for a pipeline that is not whole touches nothing: even the connections stay', async ({ world }) => {
    world.write('system.config.ts', sound)
    const program = world.go()
    await program.said('Running')
    const port = await portOf(program)
    const publisher = await leaveState(port)
    const dependencies = "{ pipeline: ['mqttDecoder', 'mqttEncoder'], logger: 'logger' }"
    world.write('system.config.ts', configWith(`dependencies: ${dependencies}`))
    program.type('reset()')
    await program.said('It lists mqttDecoder (decoder), mqttEncoder (encoder): handler missing.')
    await program.said('The system from before keeps running; fix this and call reset().')
    await publisher.publishAsync('a/2', 'on the same connection', { qos: 1 })
    await expectState(port)
  })

  test('for an address that cannot be bound starts the previous system again, on its port', async ({ world }) => {
    world.write('system.config.ts', sound)
    const program = world.go()
    await program.said('Running')
    const port = await portOf(program)
    await leaveState(port)
    world.write('system.config.ts', configWith("config: { host: '203.0.113.1', port: 0 }"))
    program.type('reset()')
    await program.said('The previous system runs again, with its sessions and retained messages')
    expect(program.output).toContain('the reset was not applied: the commit of server failed: listen EADDRNOTAVAIL')
    expect(program.output).not.toContain('disconnected and may reconnect')
    expect(program.output).toContain('this machine has no address 203.0.113.1; change it with server.config.host')
    expect(await portOf(program)).toBe(port)
    await expectState(port)

    // Again, and then with the mistake corrected.
    const from = program.output.length
    program.type('reset()')
    await program.said('The previous system runs again', from)
    world.write('system.config.ts', sound)
    program.type('reset()')
    await program.said('Reloaded ', from)
    const late = await connect(await portOf(program), { clientId: 'later' })
    await late.client.subscribeAsync('kept')
    expect(await late.message).toBe('kept retained')
    expect((await connect(port, away)).sessionPresent).toBe(true)
  })
})
