import { afterEach, beforeEach, expect, it } from 'vitest'
import type { ClientListener } from '../../src/kinds/client-listener.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { HandlerHarness, persistent } from '../../test/helpers/handler-harness.ts'

let harness: HandlerHarness
beforeEach(() => {
  harness = new HandlerHarness()
})
afterEach(() => harness.stop())

/** Records events as texts. */
const recorder = (): Required<ClientListener> & { readonly events: string[] } => {
  const events: string[] = []
  return {
    events,
    connected: ({ id }, { cleanStart, sessionPresent, expiryIntervalSeconds }) => {
      events.push(`${id} connected ${cleanStart} ${sessionPresent} ${expiryIntervalSeconds}`)
    },
    disconnected: ({ id }, { by, reasonCode, why }) => {
      events.push(`${id} disconnected by ${by}, ${reasonCode}: ${why}`)
    },
  }
}

it('tells a listener of each client that connects and disconnects, and how', () => {
  const listener = recorder()
  harness.broker.watchClients(listener)
  harness.connect(persistent('a')).lose()
  harness.connect(persistent('a')).take({ cmd: 'disconnect', reasonCode: 4 })
  harness.connect({ clientId: 'b' }, 4).take({ cmd: 'disconnect' })
  harness.connect({ clientId: 'c' })
  harness.broker.disconnect('c')
  expect(listener.events).toEqual([
    'a connected false false 3600',
    'a disconnected by network, undefined: network connection lost',
    'a connected false true 3600',
    'a disconnected by client, 4: client sent DISCONNECT',
    'b connected true false 0',
    'b disconnected by client, 0: client sent DISCONNECT',
    'c connected true false 0',
    `c disconnected by broker, ${ReasonCode.AdministrativeAction}: an operator disconnected the client`,
  ])
})

it('gives what is known of the client', () => {
  const seen: unknown[] = []
  harness.broker.watchClients({
    connected: (client) => seen.push(client),
    disconnected: (client) => seen.push(client),
  })
  harness.connect({ clientId: 'a', username: 'bob', keepalive: 30 }).lose()
  const { peer, ...client } = {
    id: 'a',
    userName: 'bob',
    peer: expect.objectContaining({ address: '127.0.0.1', port: 50_001 }),
    protocolVersion: 5,
    keepAliveSeconds: 30,
  }
  expect(seen).toMatchObject([
    { ...client, peer },
    { ...client, peer },
  ])
  expect(seen[0]).not.toHaveProperty('session')
})

it('the end of the client whose identifier is taken over comes before the start of the other', () => {
  const listener = recorder()
  harness.connect({ clientId: 'a' })
  harness.broker.watchClients(listener)
  harness.connect({ clientId: 'a' })
  expect(listener.events).toEqual([
    `a disconnected by broker, ${ReasonCode.SessionTakenOver}: another connection took over the Client Identifier`,
    'a connected true false 0',
  ])
})

it('a client that was refused is in no event', () => {
  const listener = recorder()
  harness.broker.watchClients(listener)
  const refused = harness.open()
  refused.take({ cmd: 'pingreq' })
  expect(harness.handler.clients.size).toBe(0)
  expect(listener.events).toEqual([])
})

it('what a listener sees is done: it may disconnect the client, or look for it', () => {
  const found: unknown[] = []
  harness.broker.watchClients({
    connected: ({ id }) => {
      found.push(harness.broker.client(id)?.id)
      harness.broker.disconnect(id)
    },
    disconnected: ({ id }) => found.push(harness.broker.client(id)?.id),
  })
  const client = harness.connect({ clientId: 'a' })
  expect(found).toEqual(['a', undefined])
  expect([client.connack, client.connection.open]).toMatchObject([{ cmd: 'connack', reasonCode: 0 }, false])
})

it('a listener that fails is logged, and the others and the client go on', async () => {
  const listener = recorder()
  harness.broker.watchClients({
    connected: () => {
      throw new Error('at the connect')
    },
    disconnected: (() => Promise.reject(new Error('at the disconnect'))) as () => void,
  })
  harness.broker.watchClients(listener)
  harness.connect({ clientId: 'a' }).lose()
  await Promise.resolve()
  expect(listener.events).toHaveLength(2)
  expect(harness.log.at('error')).toMatchObject([
    { message: 'A listener of clients failed', client: 'a', event: 'connect' },
    { message: 'A listener of clients failed', client: 'a', event: 'disconnect' },
  ])
})

it('a listener that was removed is called no more, also when it removes itself, and one added meanwhile is not called', () => {
  const listener = recorder()
  const remove = harness.broker.watchClients(listener)
  const removeSecond = harness.broker.watchClients(listener)
  removeSecond()
  removeSecond()
  const removeItself = harness.broker.watchClients({
    connected: () => {
      removeItself()
      harness.broker.watchClients({ connected: () => listener.events.push('added') })
    },
  })
  harness.connect({ clientId: 'a' })
  expect(listener.events).toEqual(['a connected true false 0'])
  remove()
  harness.connect({ clientId: 'b' })
  expect(listener.events).toEqual(['a connected true false 0', 'added'])
})

it('without listeners no event is described', () => {
  const listener = recorder()
  harness.broker.watchClients(listener)()
  expect(harness.broker.forClients.watch).toBeUndefined()
  harness.connect({ clientId: 'a' }).lose()
  expect(listener.events).toEqual([])
})
