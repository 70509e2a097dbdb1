import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { transportContract } from '../../test/contract/transport.ts'
import { AskingServer } from '../../test/helpers/asking-server.ts'
import { eventually } from '../../test/helpers/eventually.ts'
import { startTransport } from '../../test/helpers/start-transport.ts'
import { WebSocketClient } from '../../test/helpers/web-socket-client.ts'
import { webSocket } from './index.ts'

transportContract('a WebSocket', async () => {
  const { transport } = await startTransport(webSocket, { port: 0 })
  return { transport, connect: () => WebSocketClient.connect(transport.port), stop: () => transport.close() }
})

describe('a WebSocket listener', () => {
  const cases = [
    ['a client', {}, { address: '127.0.0.1' }],
    ['a client of a proxy that is not trusted', { 'X-Forwarded-For': '192.0.2.7' }, { address: '127.0.0.1' }],
    ['a client of a trusted proxy', { 'X-Forwarded-For': '192.0.2.7' }, { address: '192.0.2.7', proxied: true }],
    ['a trusted proxy itself', {}, { address: '127.0.0.1' }],
  ] as const

  it.each(cases.flatMap((each) => [true, false].map((isOpen) => [...each, isOpen] as const)))(
    'asks once whether %s may connect: %j, %j, %s',
    async (who, headers, peer, isOpen) => {
      const trustedProxies = who.includes('a trusted proxy') ? ['127.0.0.1'] : []
      const { transport } = await startTransport(webSocket, { port: 0, trustedProxies })
      const server = new AskingServer()
      server.isOpen = isOpen
      transport.serve(server)
      const client = await WebSocketClient.connect(transport.port, headers)
      const closed = Promise.race([once(client.resume(), 'close'), once(client, 'end')])
      if (isOpen) {
        await eventually(() => expect(server.accepted).toMatchObject([{ peer }]))
        server.close()
      }
      await closed
      client.destroy()
      expect(server.asked).toMatchObject([peer])
      expect(client.answer).toMatch(isOpen ? /^HTTP\/1.1 101 / : /^$/)
      await transport.close()
    },
  )
})
