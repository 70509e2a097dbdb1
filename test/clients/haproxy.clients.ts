/** HAProxy in front of the broker. It passes on the address of the client, and what TLS in front of the broker found out. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer, connect as open, type Socket } from 'node:net'
import { connect as openTls } from 'node:tls'
import mqtt, { type MqttClient } from 'mqtt'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { tcp } from '../../components/tcp/index.ts'
import { tls } from '../../components/tls/index.ts'
import { webSocket } from '../../components/web-socket/index.ts'
import { testCertificates } from '../helpers/certificates.ts'
import { describeClient, requirements } from './requirements.ts'
import { SecuredBroker, USER } from './secured-broker.ts'

/** The address of the clients. It is not the one that HAProxy connects from. */
const CLIENT_ADDRESS = '127.0.0.2'
const FRONTENDS = ['plain', 'terminated', 'passed', 'http'] as const
type Frontend = (typeof FRONTENDS)[number]

let broker: SecuredBroker
let haproxy: ChildProcess
let ended: Promise<unknown>
const ports = {} as Record<Frontend, number>
const clients: MqttClient[] = []

const configuration = (ca: string, certificate: string): string => `
defaults
  mode tcp
  timeout connect 60s
  timeout client 600s
  timeout server 600s
listen plain
  bind fd@3
  server broker 127.0.0.1:${broker.portOf('behindProxy')} send-proxy-v2
listen terminated
  bind fd@4 ssl crt ${certificate} ca-file ${ca} verify required
  server broker 127.0.0.1:${broker.portOf('behindProxy')} send-proxy-v2-ssl-cn
listen passed
  bind fd@5
  server broker 127.0.0.1:${broker.portOf('secureBehindProxy')} send-proxy-v2
listen http
  mode http
  option forwardfor
  timeout tunnel 600s
  bind fd@6 ssl crt ${certificate}
  server broker 127.0.0.1:${broker.portOf('webSocketBehindProxy')}
`

/** HAProxy on sockets that this process has opened, so that no port is fixed. */
const startHaproxy = async (file: string): Promise<void> => {
  const servers = await Promise.all(
    FRONTENDS.map(async (name) => {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      ports[name] = (server.address() as AddressInfo).port
      return server
    }),
  )
  const descriptors = servers.map((server) => (server as unknown as { _handle: { fd: number } })._handle.fd)
  haproxy = spawn('haproxy', ['-db', '-f', file], { stdio: ['ignore', 'ignore', 'inherit', ...descriptors] })
  ended = once(haproxy, 'exit')
  for (const server of servers) server.close()
}

const connect = async (dial: () => Socket): Promise<Socket> => {
  let socket: Socket | undefined
  const stream = () => {
    socket = dial()
    return socket
  }
  const options = { username: USER.name, password: USER.password, reconnectPeriod: 0, clientId: 'proxied' } as const
  const client = new mqtt.MqttClient(stream, options)
  clients.push(client)
  await once(client as never, 'connect')
  return socket!
}

const own = { host: '127.0.0.1', localAddress: CLIENT_ADDRESS }

describeClient('Behind HAProxy', [requirements.haproxy], () => {
  beforeAll(async () => {
    const { server } = await testCertificates()
    const proxyProtocol = { trusted: ['127.0.0.1'] }
    const dependencies = { logger: 'logger' }
    broker = await SecuredBroker.start({
      entries: (files) => ({
        behindProxy: { component: tcp, config: { port: 0, proxyProtocol }, dependencies },
        secureBehindProxy: {
          component: tls,
          config: {
            ...{ port: 0, proxyProtocol, clientCertificates: 'require', ca: `${files.folder}/ca.pem` },
            ...files.pair('server', server),
          },
          dependencies,
        },
        webSocketBehindProxy: {
          component: webSocket,
          config: { port: 0, trustedProxies: ['127.0.0.1'] },
          dependencies,
        },
      }),
    })
    const certificate = broker.files.write('haproxy.pem', `${server.cert}\n${server.key}`)
    await startHaproxy(broker.files.write('haproxy.cfg', configuration(broker.clientFiles.ca, certificate)))
  })
  afterAll(async () => {
    for (const client of clients) client.end(true)
    haproxy?.kill('SIGKILL')
    await ended
    await broker?.stop()
  })

  const secure = (port: number, withCertificate: boolean) => {
    const { ca, cert, key } = broker.clientFiles
    return openTls({
      socket: open({ ...own, port }),
      ca: readFileSync(ca),
      servername: 'localhost',
      ...(withCertificate ? { cert: readFileSync(cert), key: readFileSync(key) } : {}),
    })
  }

  test('send-proxy-v2: the peer is the client and not the proxy', async () => {
    const socket = await connect(() => open({ ...own, port: ports.plain }))
    expect(broker.peerOf('proxied')).toMatchObject({ address: CLIENT_ADDRESS, port: socket.localPort, proxied: true })
    expect(broker.linesAbout('proxied')[0]).toContain(`${CLIENT_ADDRESS}:${socket.localPort}`)
  })

  test('send-proxy-v2-ssl-cn: TLS ends at the proxy, and the peer has the name of the client certificate', async () => {
    await connect(() => secure(ports.terminated, true))
    expect(broker.peerOf('proxied')).toMatchObject({
      ...{ address: CLIENT_ADDRESS, proxied: true, listener: 'behindProxy' },
      tls: { commonName: 'device-1' },
    })
  })

  test('send-proxy-v2 in front of TLS: TLS ends at the broker', async () => {
    await connect(() => secure(ports.passed, true))
    expect(broker.peerOf('proxied')).toMatchObject({
      ...{ address: CLIENT_ADDRESS, proxied: true, transport: 'tls' },
      tls: { commonName: 'device-1', serverName: 'localhost' },
    })
  })

  test('forwardfor: WebSocket in an HTTP proxy that ends TLS', async () => {
    const client = mqtt.connect(`wss://127.0.0.1:${ports.http}/mqtt`, {
      ...{ username: USER.name, password: USER.password, clientId: 'http', reconnectPeriod: 0 },
      wsOptions: { localAddress: CLIENT_ADDRESS, ca: readFileSync(broker.clientFiles.ca) },
    })
    clients.push(client)
    await once(client as never, 'connect')
    expect(broker.peerOf('http')).toMatchObject({ address: CLIENT_ADDRESS, proxied: true, transport: 'ws' })
  })

  test('a client that goes around the proxy is not served', async () => {
    const dialed = connect(() => open({ ...own, port: broker.portOf('behindProxy') }))
    const closed = once(clients.at(-1) as never, 'close')
    await Promise.race([closed, dialed.catch(() => undefined)])
    expect(clients.at(-1)!.connected).toBe(false)
  })
})
