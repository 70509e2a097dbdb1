import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { eventually } from '../../test/helpers/eventually.ts'
import { RemoteLink } from './remote-link.ts'

const ends: (() => unknown)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
})

const CONNACK = Buffer.from([0x20, 3, 0, 0, 0])

/** A link that a remote broker has accepted, and the socket of the remote broker. */
const accepted = async () => {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const events = { drained: 0, readable: 0, closed: [] as string[] }
  let accept!: () => void
  const whenAccepted = new Promise<void>((resolve) => {
    accept = resolve
  })
  const link = new RemoteLink(
    {
      ...{ server: { host: '127.0.0.1', port, isTls: false }, tls: undefined, connectTimeoutMs: 10_000 },
      ...{ maximumPacketSize: 10_000_000, maximumPendingBytes: 16_384, keepAliveSeconds: 60 },
      connect: { clientId: 'bridge', protocolId: 'MQTT', protocolVersion: 5, clean: true },
    },
    {
      accepted: () => accept(),
      readable: () => (events.readable += 1),
      drained: () => (events.drained += 1),
      closed: (why) => events.closed.push(why),
    },
  )
  link.open()
  const [remote] = (await once(server, 'connection')) as [Socket]
  ends.push(
    () => link.close('the test is over'),
    () => remote.destroy(),
    () => server.close(),
  )
  remote.write(CONNACK)
  await whenAccepted
  return { link, remote, events }
}

it('reads the rest of a large packet that it began to read while packets were not taken', async () => {
  const { link, remote, events } = await accepted()
  const [small, large] = [Buffer.from([0xd0, 0]), Buffer.alloc(1_000_000)]
  large.set([0x30, 0xbc, 0x84, 0x3d])
  remote.write(Buffer.concat([small, large]))
  // Nothing was taken, so it stops to read in the middle of the large packet.
  await eventually(() => expect(link.bytesReceived).toBeGreaterThan(262_144 + CONNACK.length))
  expect(link.bytesReceived).toBeLessThan(large.length)
  expect(link.next()?.firstByte).toBe(0xd0)
  let frame = link.next()
  expect(frame).toBeUndefined()
  await eventually(() => {
    frame ??= link.next()
    expect(frame?.firstByte).toBe(0x30)
  })
  expect(frame!.end - frame!.headerStart).toBe(large.length)
  expect(events.closed).toEqual([])
})

it('is blocked while too many bytes wait, and says when they are sent', async () => {
  const { link, remote, events } = await accepted()
  remote.pause()
  while (!link.blocked) {
    link.write(Buffer.alloc(1_000_000))
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(link.congested).toBe(true)
  const { drained } = events
  remote.resume()
  await eventually(() => expect(events.drained).toBe(drained + 1))
  expect(link.blocked).toBe(false)
})
