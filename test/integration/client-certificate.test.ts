/** Certificates of clients as their identity, over real TLS with a transport of the test. */

import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import mqtt from 'mqtt'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { clientCertificate } from '../../components/client-certificate/index.ts'
import type { Peer } from '../../src/kinds/peer.ts'
import { Transport } from '../../src/kinds/transport.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { createSystem } from '../../src/system/lifecycle.ts'
import { type KeyPair, TestAuthority, testCertificates } from '../helpers/certificates.ts'
import { quietSystem } from '../helpers/start-broker.ts'
import { StreamTransport } from '../transports/stream-transport.ts'

/** Connections over TLS whose client certificates are verified where there are some. */
class CertifiedTransport extends StreamTransport {
  readonly transport = 'tls'
  readonly adoptable = false
  readonly #server: Server

  constructor(server: Server) {
    super('secure')
    this.#server = server
    server.on('secureConnection', (socket) => this.accepted(socket))
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    this.closeWaiting()
    const closed = once(this.#server, 'close')
    this.#server.close()
    await closed
  }

  protected override peerOf(stream: Duplex): Peer {
    const socket = stream as TLSSocket
    const certificate = socket.authorized ? socket.getPeerX509Certificate() : undefined
    const tls = certificate && {
      subject: certificate.subject.split('\n').reverse().join(','),
      commonName: String(certificate.toLegacyObject().subject.CN),
      serial: certificate.serialNumber,
      fingerprint: certificate.fingerprint256,
    }
    return { ...super.peerOf(stream), ...(tls && { tls }) }
  }
}

let authority: TestAuthority
let server: KeyPair
let revoked: KeyPair
let transport: CertifiedTransport
let system: ReturnType<typeof createSystem>
const clients: mqtt.MqttClient[] = []

beforeAll(async () => {
  ;({ authority, server } = await testCertificates())
  revoked = await authority.client('device-9')
  const options = {
    cert: server.cert,
    key: server.key,
    ca: authority.cert,
    requestCert: true,
    rejectUnauthorized: false,
  }
  const listening = createServer({ ...options, allowHalfOpen: true } as object)
  listening.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  transport = new CertifiedTransport(listening)
  const secure = defineComponent({
    provides: Transport,
    needs: {},
    config: z.strictObject({}),
    start: () => transport,
    stop: () => transport.close(),
  })
  system = createSystem({
    ...quietSystem,
    secure: { component: secure },
    clientCertificate: {
      component: clientCertificate,
      config: { groupsFromOrganizationalUnit: true, deniedSerials: [revoked.serial] },
    },
    mqttHandler: {
      ...quietSystem.mqttHandler,
      dependencies: {
        ...quietSystem.mqttHandler.dependencies!,
        authenticators: ['clientCertificate'],
        authenticationMethods: [],
      },
    },
  })
  await system.start()
})
afterEach(() => {
  for (const client of clients.splice(0)) client.end(true)
})
afterAll(() => system.stop())

const connect = async (pair: KeyPair | undefined, options: mqtt.IClientOptions = {}): Promise<void> => {
  const client = mqtt.connect(`mqtts://127.0.0.1:${transport.port}`, {
    protocolVersion: 5,
    reconnectPeriod: 0,
    ca: authority.cert,
    clientId: 'client',
    ...(pair !== undefined && { cert: pair.cert, key: pair.key }),
    ...options,
  })
  clients.push(client)
  await new Promise((resolve, reject) => client.once('connect', resolve).once('error', reject))
}
const identity = () => {
  const { mqttHandler } = system.map as unknown as { mqttHandler: { clients: Iterable<{ identity: unknown }> } }
  return [...mqttHandler.clients][0]?.identity
}
const refused = (code: number) => expect.objectContaining({ code })

it('lets a client in as the user that its certificate names', async () => {
  await connect(await authority.leaf({ subject: 'CN=device-7,OU=Presses\\, large,OU=Line 1,O=Example' }))
  const groups = expect.toSatisfy((list: string[]) => `${[...list].sort()}` === 'Line 1,Presses, large')
  expect(identity()).toMatchObject({ userName: 'device-7', attributes: { groups } })
})

it('takes no group from inside another value', async () => {
  await connect(await authority.leaf({ subject: 'CN=device-7,O=Example\\, OU=admins\\"\\+OU=root' }))
  expect(identity()).toMatchObject({ userName: 'device-7' })
  expect(identity()).not.toHaveProperty('attributes')
})

it('refuses another user name, a certificate on the list, and one of another authority', async () => {
  const device = await authority.client('device-7')
  await expect(connect(device, { username: 'root' })).rejects.toEqual(refused(0x86))
  await expect(connect(revoked)).rejects.toEqual(refused(0x86))
  const other = await TestAuthority.create('CN=Other Authority')
  await expect(connect(await other.client('device-7'))).rejects.toEqual(refused(0x87))
  await expect(connect(undefined)).rejects.toEqual(refused(0x87))
})

it('does not take a certificate for a password', async () => {
  const device = await authority.client('device-7')
  await expect(connect(device, { username: 'device-7', password: 'pencil' })).rejects.toEqual(refused(0x86))
})
