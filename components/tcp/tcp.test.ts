import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { transportContract } from '../../test/contract/transport.ts'
import { AskingServer } from '../../test/helpers/asking-server.ts'
import { eventually } from '../../test/helpers/eventually.ts'
import { startTransport } from '../../test/helpers/start-transport.ts'
import { tcp } from './index.ts'

const connected = async (port: number): Promise<Socket> => {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  await once(socket, 'connect')
  return socket
}

transportContract('a further TCP listener', async () => {
  const { transport } = await startTransport(tcp, { port: 0 })
  return { transport, connect: () => connected(transport.port), stop: () => transport.close() }
})

transportContract('a TCP listener behind a proxy', async () => {
  const { transport } = await startTransport(tcp, { port: 0, proxyProtocol: { trusted: ['127.0.0.1'] } })
  return {
    transport,
    connect: async () => {
      const socket = await connected(transport.port)
      socket.write('PROXY TCP4 192.0.2.7 192.0.2.1 5123 1883\r\n')
      return socket
    },
    stop: () => transport.close(),
  }
})

describe('tcp', () => {
  it.each([
    [{}, '127.0.0.1:1884'],
    [{ host: '::1', port: 1885 }, '[::1]:1885'],
    [{ fd: 3 }, 'fd 3'],
  ])('%j is described as %s', (config, text) => {
    expect(tcp.describe?.(tcp.config.parse(config))).toBe(text)
  })

  it('does not use an fd that was not passed to it', async () => {
    await expect(startTransport(tcp, { fd: 3 })).rejects.toThrow('fd: 3 needs socket activation')
  })

  it('refuses a proxyProtocol that trusts nobody', () => {
    expect(tcp.config.safeParse({ proxyProtocol: { trusted: [] } }).success).toBe(false)
    expect(tcp.config.safeParse({ proxyProtocol: { trusted: ['proxy.example'] } }).success).toBe(false)
  })

  it('has no measures of proxies where there are none', async () => {
    const { transport } = await startTransport(tcp, { port: 0 })
    expect(tcp.measure?.(transport)).toEqual([])
    await transport.close()
  })

  it.each([true, false])('asks whether a client may connect when it knows where the client is: %s', async (isOpen) => {
    const { transport } = await startTransport(tcp, { port: 0, proxyProtocol: { trusted: ['127.0.0.1'] } })
    const server = new AskingServer()
    server.isOpen = isOpen
    transport.serve(server)
    const socket = await connected(transport.port)
    const closed = new Promise((resolve) =>
      socket
        .on('error', () => undefined)
        .resume()
        .once('close', resolve),
    )
    socket.write('PROXY TCP4 192.0.2.7 192.0.2.1 5123 1883\r\n')
    await eventually(() => expect(server.asked).toMatchObject([{ address: '192.0.2.7', port: 5123 }]))
    expect(server.accepted).toHaveLength(isOpen ? 1 : 0)
    server.close()
    socket.end()
    await closed
    await transport.close()
  })
})
