import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { transportContract } from '../../test/contract/transport.ts'
import { AskingServer } from '../../test/helpers/asking-server.ts'
import { eventually } from '../../test/helpers/eventually.ts'
import { lifecycleContext } from '../../test/helpers/lifecycle-context.ts'
import { startTransport } from '../../test/helpers/start-transport.ts'
import { upgradeRequest, WebSocketClient } from '../../test/helpers/web-socket-client.ts'
import { webSocket } from './index.ts'
import { measuresOf } from './measures.ts'

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

it('counts requests that are no upgrade by their reason, logs the first, and discards what follows them', async () => {
  const { transport, log } = await startTransport(webSocket, { port: 0 })
  transport.serve(new AskingServer())
  for (let requests = 0; requests < 2; requests += 1) {
    const client = connect(transport.port, '127.0.0.1')
    client.write('GET /mqtt HTTP/1.1\r\nHost: here\r\n\r\n')
    const [answer] = await once(client, 'data')
    expect(String(answer)).toMatch(/^HTTP\/1\.1 4\d\d \w/)
    client.end('more')
    await once(client.resume(), 'close')
  }
  const refused = measuresOf(transport).filter(({ name }) => name === 'refused_requests')
  expect(refused.reduce((sum, { read }) => sum + read(), 0)).toBe(2)
  const lines = log.at('warn').filter(({ message }) => /^Request from 127\.0\.0\.1:\d+ refused: /.test(message))
  expect(lines).toHaveLength(1)
  await transport.close()
})

it('has nothing to load again without TLS', async () => {
  const { transport } = await startTransport(webSocket, { port: 0 })
  expect(await webSocket.refresh!(transport, lifecycleContext('tested'))).toBeUndefined()
  await transport.close()
})

it('knows the client that a PROXY header names', async () => {
  const { transport } = await startTransport(webSocket, { port: 0, proxyProtocol: { trusted: ['127.0.0.1'] } })
  const server = new AskingServer()
  transport.serve(server)
  const client = connect(transport.port, '127.0.0.1')
  client.write(`PROXY TCP4 192.0.2.7 192.0.2.1 5123 80\r\n${upgradeRequest()}`)
  await eventually(() => expect(server.accepted).toMatchObject([{ peer: { address: '192.0.2.7', port: 5123 } }]))
  server.close()
  client.destroy()
  await transport.close()
})

it.each([
  [{}, true],
  [{ trustedProxies: ['127.0.0.1'] }, false],
  [{ proxyProtocol: { trusted: ['127.0.0.1'] } }, false],
])('a WebSocket listener with %j is for this machine alone: %s', async (config, isLocal) => {
  const { transport } = await startTransport(webSocket, { port: 0, ...config })
  expect(transport.isLocal).toBe(isLocal)
  await transport.close()
})
