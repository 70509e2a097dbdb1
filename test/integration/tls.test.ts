/** The whole broker over real TLS: versions, server names, client certificates, and files that change while clients are connected. */

import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import type { IClientOptions } from 'mqtt'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { tls } from '../../components/tls/index.ts'
import type { TlsTransport } from '../../components/tls/tls-transport.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import { Logger as LoggerKind } from '../../src/kinds/logger.ts'
import { Transport } from '../../src/kinds/transport.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { createSystem } from '../../src/system/lifecycle.ts'
import { type KeyPair, TestAuthority, TestFiles, testCertificates } from '../helpers/certificates.ts'
import { eventually } from '../helpers/eventually.ts'
import { RealClient } from '../helpers/mqtt-js.ts'
import { packetBytes } from '../helpers/packet-bytes.ts'
import { RecordingLogger } from '../helpers/recording-logger.ts'
import { quietSystem } from '../helpers/start-broker.ts'

let authority: TestAuthority
let server: KeyPair
let client: KeyPair
let files: TestFiles
let system: ReturnType<typeof createSystem> | undefined
const clients: RealClient[] = []
const sockets: TLSSocket[] = []
beforeAll(async () => {
  ;({ authority, server, client } = await testCertificates())
  files = new TestFiles()
})
afterAll(() => files.remove())
afterEach(async () => {
  for (const { mqtt } of clients.splice(0)) mqtt.end(true)
  for (const socket of sockets.splice(0)) socket.destroy()
  await system?.stop()
})

const log = new RecordingLogger()
const recording = defineComponent({
  provides: LoggerKind,
  needs: {},
  config: z.strictObject({}),
  start: (): Logger => log,
})

/** The files of a listener, and the config that names them. */
const serverFiles = (more: object = {}) => ({ ...files.pair('server', server), ...more })
const mutual = async (mode: 'request' | 'require', revoked: KeyPair[] = []) => ({
  clientCertificates: mode,
  ca: files.write('ca.pem', authority.cert),
  crl: files.write('crl.pem', await authority.revoke(revoked)),
})

const start = async (config: object): Promise<TlsTransport> => {
  log.lines.length = 0
  system = createSystem({
    ...quietSystem,
    recording: { component: recording },
    secure: {
      component: tls,
      config: { port: 0, ...config },
      dependencies: { logger: 'recording' },
    },
  })
  await system.start()
  return (system.map as unknown as { secure: TlsTransport }).secure
}

const joinBroker = async (
  { port }: TlsTransport,
  options: IClientOptions & ConnectionOptions = {},
): Promise<RealClient> => {
  const joined = await RealClient.connect(port, 5, {
    protocol: 'mqtts',
    host: '127.0.0.1',
    port,
    ca: authority.cert,
    servername: 'localhost',
    ...options,
  })
  clients.push(joined)
  return joined
}

/** A TLS connection without MQTT, after its handshake. */
const handshake = async ({ port }: TlsTransport, options: object = {}): Promise<TLSSocket> => {
  const socket = connect({ port, host: '127.0.0.1', ca: authority.cert, servername: 'localhost', ...options })
  sockets.push(socket.on('error', () => undefined))
  await once(socket, 'secureConnect')
  return socket
}

/** Whether the broker answers CONNECT on a TLS connection. With TLS 1.3 a client learns only now whether its certificate is refused. */
const isServed = async (transport: TlsTransport, options: object = {}): Promise<boolean> => {
  const socket = connect({
    port: transport.port,
    host: '127.0.0.1',
    ca: authority.cert,
    servername: 'localhost',
    ...options,
  })
  sockets.push(socket.on('error', () => undefined))
  socket.write(packetBytes('10 @ "MQTT" 04 02 0000 "served"'))
  return new Promise((resolve) => {
    socket.once('data', () => resolve(true)).once('close', () => resolve(false))
  })
}

describe('MQTT over TLS', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)('works with %s', async (version) => {
    const transport = await start(serverFiles())
    const subscriber = await joinBroker(transport, { minVersion: version, maxVersion: version })
    await subscriber.mqtt.subscribeAsync('a/#', { qos: 2 })
    const publisher = await joinBroker(transport)
    await publisher.mqtt.publishAsync('a/b', 'hello', { qos: 2 })
    expect(await subscriber.next()).toMatchObject({ topic: 'a/b', payload: 'hello', qos: 2 })
    expect((subscriber.mqtt.stream as TLSSocket).getProtocol()).toBe(version)
  })

  it('refuses an older version than the oldest that is accepted', async () => {
    const transport = await start(serverFiles({ minimumVersion: 'TLSv1.3' }))
    await expect(handshake(transport, { maxVersion: 'TLSv1.2' })).rejects.toThrow()
    await eventually(() => expect(transport.handshakes.failed.protocol).toBe(1))
    await handshake(transport)
  })

  it('carries large messages in both directions', async () => {
    const transport = await start(serverFiles())
    const one = await joinBroker(transport)
    await one.mqtt.subscribeAsync('large')
    const payload = 'x'.repeat(3_000_000)
    await one.mqtt.publishAsync('large', payload, { qos: 1 })
    expect((await one.next()).payload === payload).toBe(true)
  })

  it('listens on an IPv6 address', async () => {
    const transport = await start(serverFiles({ host: '::1' }))
    expect(transport.address).toBe(`[::1]:${transport.port}`)
    await joinBroker(transport, { host: '::1' })
  })

  it('negotiates a protocol by ALPN', async () => {
    const transport = await start(serverFiles({ applicationProtocols: ['mqtt'] }))
    expect((await handshake(transport, { ALPNProtocols: ['mqtt'] })).alpnProtocol).toBe('mqtt')
    expect((await handshake(transport)).alpnProtocol).toBe(false)
    await expect(handshake(transport, { ALPNProtocols: ['h2'] })).rejects.toThrow()
  })
})

describe('the server name', () => {
  const commonNameFor = async (transport: TlsTransport, servername: string): Promise<string> => {
    const socket = await handshake(transport, { servername, checkServerIdentity: () => undefined })
    return socket.getPeerCertificate().subject.CN as unknown as string
  }

  it('chooses the certificate', async () => {
    const [one, wild] = [await authority.server('one.example', 'uno.example'), await authority.server('*.two.example')]
    const named = await authority.server('other.example')
    const certificates = [
      files.pair('one', one),
      files.pair('wild', wild),
      { ...files.pair('named', named), names: ['three.example'] },
    ]
    const transport = await start(serverFiles({ certificates }))
    expect(await commonNameFor(transport, 'UNO.example')).toBe('one.example')
    expect(await commonNameFor(transport, 'a.two.example')).toBe('*.two.example')
    expect(await commonNameFor(transport, 'three.example')).toBe('other.example')
    expect(await commonNameFor(transport, 'b.a.two.example')).toBe('localhost')
    expect(await commonNameFor(transport, 'other.example')).toBe('localhost')
  })

  it('chooses the certificate of the last reload', async () => {
    const certificates = [files.pair('first', await authority.server('first.example'))]
    const transport = await start(serverFiles({ certificates }))
    files.pair('first', await authority.server('second.example'))
    await transport.contexts.reload()
    expect(await commonNameFor(transport, 'second.example')).toBe('second.example')
    expect(await commonNameFor(transport, 'first.example')).toBe('localhost')
  })

  it('requires a client certificate for every server name', async () => {
    const certificates = [files.pair('one', await authority.server('one.example'))]
    const transport = await start(serverFiles({ certificates, ...(await mutual('require')) }))
    expect(await isServed(transport, { servername: 'one.example' })).toBe(false)
    expect(await isServed(transport, { servername: 'one.example', ...client })).toBe(true)
  })
})

describe('client certificates', () => {
  it('are required', async () => {
    const transport = await start(serverFiles(await mutual('require')))
    expect(await isServed(transport)).toBe(false)
    expect(await isServed(transport, client)).toBe(true)
    expect(transport.handshakes).toMatchObject({ completed: 1, failed: { certificate: 1 } })
    expect(log.at('warn')).toMatchObject([{ message: expect.stringContaining('the client has no certificate') }])
  })

  it('are requested, and checked if there is one', async () => {
    const transport = await start(serverFiles(await mutual('request')))
    const stranger = await (await TestAuthority.create('CN=Stranger')).client('device-1')
    expect(await isServed(transport)).toBe(true)
    expect(await isServed(transport, client)).toBe(true)
    expect(await isServed(transport, stranger)).toBe(false)
  })

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'of an unknown authority, expired or revoked are refused with %s',
    async (version) => {
      const revoked = await authority.client('revoked')
      const transport = await start(serverFiles(await mutual('require', [revoked])))
      const stranger = await (await TestAuthority.create('CN=Stranger')).client('device-1')
      const impostor = await (await TestAuthority.create()).client('device-1')
      const expired = await authority.leaf({ subject: 'CN=device-1', notAfter: new Date(Date.now() - 3_600_000) })
      for (const refused of [stranger, impostor, expired, revoked]) {
        expect(await isServed(transport, { ...refused, maxVersion: version })).toBe(false)
      }
      expect(await isServed(transport, { ...client, maxVersion: version })).toBe(true)
      expect(transport.handshakes).toMatchObject({ completed: 1, failed: { certificate: 4 } })
    },
  )

  it('of every authority are refused when a revocation list is out of date', async () => {
    const config = await mutual('require')
    files.write('crl.pem', await authority.revoke([], new Date(Date.now() - 3_600_000)))
    const transport = await start(serverFiles(config))
    expect(log.at('error')).toMatchObject([{ message: expect.stringContaining('revocation list expired on') }])
    expect(await isServed(transport, client)).toBe(false)
  })
})

describe('files that change', () => {
  const subjectOf = async (transport: TlsTransport) =>
    (await handshake(transport, { checkServerIdentity: () => undefined })).getPeerCertificate().serialNumber

  it('are loaded while clients stay connected and go on', async () => {
    const transport = await start(serverFiles())
    const subscriber = await joinBroker(transport)
    await subscriber.mqtt.subscribeAsync('a')
    await transport.contexts.look()
    const renewed = await authority.server()
    files.pair('server', renewed)
    await transport.contexts.look()
    expect(transport.contexts).toMatchObject({ reloads: 1, failedReloads: 0 })
    await subscriber.mqtt.publishAsync('a', 'still here', { qos: 1 })
    expect((await subscriber.next()).payload).toBe('still here')
    expect(await subjectOf(transport)).toBe(renewed.serial.toUpperCase())
    expect(log.at('info')).toContainEqual(
      expect.objectContaining({ message: `Certificates reloaded: ${files.folder}/server.pem` }),
    )
  })

  it('are found by themselves', async () => {
    const transport = await start(serverFiles({ reloadIntervalMs: 10 }))
    const renewed = await authority.server()
    files.pair('server', renewed)
    await eventually(async () => expect(await subjectOf(transport)).toBe(renewed.serial.toUpperCase()))
  })

  it.each([
    ['is missing', () => rmSync(join(files.folder, 'server.pem')), '(cert) cannot be read: ENOENT'],
    ['is empty', () => files.write('server.key', ''), 'server.key cannot be read'],
    ['is no certificate', () => files.write('server.pem', 'nonsense'), 'there is no "BEGIN CERTIFICATE"'],
    ['is damaged', () => files.write('server.pem', server.cert.replace(/M/g, 'N')), 'server.pem cannot be read'],
    ['belongs to another key', () => files.write('server.key', client.key), 'does not belong to the certificate'],
    [
      'is a revocation list that is not valid',
      () => files.write('crl.pem', 'nonsense'),
      'there is no "BEGIN X509 CRL"',
    ],
  ])('stay as they were if one %s', async (_, damage, message) => {
    const transport = await start(serverFiles(await mutual('request')))
    damage()
    await transport.contexts.reload()
    expect(transport.contexts).toMatchObject({ reloads: 0, failedReloads: 1 })
    expect(log.at('error')).toMatchObject([{ message: expect.stringContaining(message) }])
    expect(await subjectOf(transport)).toBe(server.serial.toUpperCase())
    await joinBroker(transport)
  })

  it('take effect on an authority', async () => {
    const transport = await start(serverFiles(await mutual('require')))
    const next = await TestAuthority.create('CN=Next Authority')
    const newcomer = await next.client('newcomer')
    expect(await isServed(transport, newcomer)).toBe(false)
    files.write('ca.pem', next.cert)
    files.write('crl.pem', await next.revoke([]))
    await transport.contexts.reload()
    expect(await isServed(transport, newcomer)).toBe(true)
    expect(await isServed(transport, client)).toBe(false)
  })

  it('disconnect a client whose certificate is revoked, and no other', async () => {
    const transport = await start(serverFiles(await mutual('require')))
    const [one, other] = [await authority.client('one'), await authority.client('other')]
    const leaves = await joinBroker(transport, one)
    const stays = await joinBroker(transport, other)
    const gone = leaves.event('close')
    files.write('crl.pem', await authority.revoke([one]))
    await transport.contexts.reload()
    await gone
    await stays.mqtt.publishAsync('a', 'still here', { qos: 1 })
    expect(transport.acceptor.revokedClients).toBe(1)
    expect(log.at('warn')).toMatchObject([{ message: expect.stringContaining('its certificate was revoked') }])
  })
})

describe('a session that is resumed', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)('spares a handshake with %s', async (version) => {
    const transport = await start(serverFiles(await mutual('require')))
    const session = await sessionOf(transport, version)
    const resumed = await handshake(transport, { ...client, session, maxVersion: version })
    expect(resumed.isSessionReused()).toBe(true)
    await eventually(() => expect(transport.handshakes.completed).toBe(2))
    expect(await isServed(transport, { ...client, session, maxVersion: version })).toBe(true)
  })

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('does not outlive the revocation of its client with %s', async (version) => {
    const transport = await start(serverFiles(await mutual('require')))
    const session = await sessionOf(transport, version)
    files.write('crl.pem', await authority.revoke([client]))
    await transport.contexts.reload()
    expect(await isServed(transport, { ...client, session, maxVersion: version })).toBe(false)
    // Nor without the certificate: the session has it.
    expect(await isServed(transport, { session, maxVersion: version })).toBe(false)
  })

  it('is checked against the revocation list again if it is resumed', async () => {
    const transport = await start(serverFiles(await mutual('require')))
    const session = await sessionOf(transport, 'TLSv1.3')
    const { raw } = await clientCertificate()
    const { certificateKey } = await import('../../src/network/tls/revoked-certificates.ts')
    // The list of the context that OpenSSL has does not name it, and the ticket is still good.
    vi.spyOn(transport.contexts.current.revoked, 'has').mockImplementation((key) => key === certificateKey(raw))
    vi.spyOn(transport.contexts.current.revoked, 'size', 'get').mockReturnValue(1)
    expect(await isServed(transport, { ...client, session })).toBe(false)
    expect(transport.handshakes.failed.certificate).toBe(1)
  })

  const clientCertificate = async () => {
    const { X509Certificate } = await import('node:crypto')
    return new X509Certificate(client.cert)
  }

  /** A ticket of a client that was let in. */
  const sessionOf = async (transport: TlsTransport, version: 'TLSv1.2' | 'TLSv1.3'): Promise<Buffer> => {
    const socket = connect({
      port: transport.port,
      host: '127.0.0.1',
      ca: authority.cert,
      servername: 'localhost',
      maxVersion: version,
      ...client,
    })
    sockets.push(socket)
    const [session] = await once(socket.resume(), 'session')
    return session as Buffer
  }
})

describe('a system with TLS', () => {
  it('goes over a reset with the same port and new certificates', async () => {
    const before = await start(serverFiles())
    const renewed = await authority.server()
    files.pair('server', renewed)
    const suspended = await system!.suspend()
    const config = { port: 0, ...serverFilesAsTheyAre() }
    system = createSystem(
      {
        ...quietSystem,
        secure: { component: tls, config, dependencies: { logger: 'logger' } },
      },
      { suspended },
    )
    await system.start()
    const after = (system.map as unknown as { secure: TlsTransport }).secure
    expect(after.port).toBe(before.port)
    expect((await handshake(after)).getPeerCertificate().serialNumber).toBe(renewed.serial.toUpperCase())
    await joinBroker(after)
  })

  const serverFilesAsTheyAre = () => ({ cert: `${files.folder}/server.pem`, key: `${files.folder}/server.key` })

  it('provides a Transport', () => expect(tls.provides).toBe(Transport))
})
