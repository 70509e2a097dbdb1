/** Bans after failed authentications, whichever way the clients come: the address is that of the client, not of the proxy. */

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as secureConnect } from 'node:tls'
import { generate } from 'mqtt-packet'
import { afterAll, afterEach, expect, it } from 'vitest'
import { passwordFile } from '../../components/password-file/index.ts'
import { tcp } from '../../components/tcp/index.ts'
import { tls } from '../../components/tls/index.ts'
import { webSocket } from '../../components/web-socket/index.ts'
import type { Listener } from '../../src/kinds/listener.ts'
import { createSystem } from '../../src/system/lifecycle.ts'
import { TestFiles, testCertificates } from '../helpers/certificates.ts'
import { connectPacket } from '../helpers/connect-packet.ts'
import { proxyHeader } from '../helpers/proxy-header.ts'
import { quietSystem } from '../helpers/start-broker.ts'
import { WebSocketClient } from '../helpers/web-socket-client.ts'

const salt = Buffer.alloc(12, 1)
const line = `ann:$6$${salt.toString('base64')}$${createHash('sha512').update('pencil').update(salt).digest('base64')}\n`
const files = new TestFiles()
afterAll(() => files.remove())

let system: ReturnType<typeof createSystem>
const streams: Duplex[] = []
afterEach(async () => {
  for (const stream of streams.splice(0)) stream.destroy()
  await system.stop()
})

const start = async (suspended?: Parameters<typeof createSystem>[1]): Promise<void> => {
  const { server: own } = await testCertificates()
  const dependencies = { logger: 'logger' }
  const proxyProtocol = { trusted: ['127.0.0.1'] }
  const path = files.write('passwords', line)
  const forwarded = { port: 0, trustedProxies: ['127.0.0.1'] }
  system = createSystem(
    {
      ...quietSystem,
      passwordFile: { component: passwordFile, config: { path }, dependencies },
      mqttHandler: {
        ...quietSystem.mqttHandler,
        dependencies: { ...quietSystem.mqttHandler.dependencies, authenticators: ['passwordFile'] },
      },
      proxied: { component: tcp, config: { port: 0, proxyProtocol }, dependencies },
      secure: { component: tls, config: { port: 0, proxyProtocol, ...files.pair('server', own) }, dependencies },
      web: { component: webSocket, config: forwarded, dependencies },
      server: { ...quietSystem.server, config: { port: 0, banAfterFailures: 3, unlimitedAddresses: [] } },
    },
    suspended,
  )
  await system.start()
}
const part = (name: string) => (system.map as unknown as Record<string, Listener>)[name]!
const open = async (name: string, first?: Uint8Array): Promise<Duplex> => {
  const socket = connect(part(name).port, '127.0.0.1').on('error', () => undefined)
  streams.push(socket)
  await once(socket, 'connect')
  if (first !== undefined) socket.write(first)
  return socket
}

const ways: Readonly<Record<string, (address: string) => Promise<Duplex>>> = {
  proxied: (address) => open('proxied', proxyHeader({ address })),
  secure: async (address) => {
    const { authority } = await testCertificates()
    const socket = await open('secure', proxyHeader({ address }))
    return secureConnect({ socket, ca: authority.cert, servername: 'localhost' })
  },
  web: async (address) => new WebSocketClient(await open('web'), { 'X-Forwarded-For': address }),
  server: () => open('server'),
}

/** Connects with a password. @returns the Return Code; undefined if the connection is closed without an answer. */
const answer = async (way: string, address: string, password: string): Promise<number | undefined> => {
  const stream = (await ways[way]!(address)).on('error', () => undefined)
  streams.push(stream)
  stream.write(generate(connectPacket({ username: 'ann', password: Buffer.from(password) }, 4)))
  const code = await new Promise<number | undefined>((resolve) => {
    const nothing = (): void => resolve(undefined)
    stream
      .once('data', (bytes: Buffer) => resolve(bytes[3]))
      .once('end', nothing)
      .once('close', nothing)
  })
  stream.destroy()
  return code
}

it('an address is banned for what its clients fail over TCP, TLS and WebSocket together, and over a reset', async () => {
  await start()
  for (const way of ['proxied', 'secure', 'web'])
    expect([way, await answer(way, '192.0.2.7', 'wrong')]).toEqual([way, 4])
  expect(part('server').bans?.()).toMatchObject([{ address: '192.0.2.7' }])
  const check = async (): Promise<void> => {
    for (const way of ['proxied', 'secure', 'web']) {
      expect(await answer(way, '192.0.2.7', 'pencil')).toBeUndefined()
      expect(await answer(way, '192.0.2.8', 'pencil')).toBe(0)
    }
    expect(await answer('server', '', 'pencil')).toBe(0)
  }
  await check()
  const suspended = await system.suspend()
  await start({ suspended })
  await check()
})
