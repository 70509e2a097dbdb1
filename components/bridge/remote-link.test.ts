import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { eventually } from '../../test/helpers/eventually.ts'
import { RemoteLink } from './remote-link.ts'

const ends: (() => unknown)[] = []
afterEach(() => {
  vi.useRealTimers()
  for (const end of ends.splice(0)) end()
})

const OPTIONS = {
  ...{ tls: undefined, connectTimeoutMs: 10_000 },
  ...{ maximumPacketSize: 10_000_000, maximumPendingBytes: 16_384, keepAliveSeconds: 60 },
  connect: { clientId: 'bridge', protocolId: 'MQTT', protocolVersion: 5, clean: true },
} as const
const CONNACK = Buffer.from([0x20, 3, 0, 0, 0])

/** A link that a remote broker has accepted, and the socket of the remote broker. */
const accepted = async (connack = CONNACK) => {
  const server = createServer({ allowHalfOpen: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const events = { drained: 0, readable: 0, closed: [] as string[] }
  let accept!: () => void
  const whenAccepted = new Promise<void>((resolve) => {
    accept = resolve
  })
  const link = new RemoteLink(
    { ...OPTIONS, server: { host: '127.0.0.1', port, isTls: false, path: undefined } },
    {
      accepted: () => accept(),
      readable: () => (events.readable += 1),
      drained: () => (events.drained += 1),
      closed: (why) => events.closed.push(why),
    },
  )
  link.open()
  const [remote] = (await once(server, 'connection')) as [Socket]
  remote.on('error', () => {})
  ends.push(
    () => link.close('the test is over'),
    () => remote.destroy(),
    () => server.close(),
  )
  remote.write(connack)
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

it('reports nothing that waits, and writes nothing, while there is no connection', async () => {
  const { link, remote } = await accepted()
  const { length } = await received(remote)
  link.close('the test wants it')
  link.write(Buffer.from([0xc0, 0]))
  await once(remote, 'end')
  expect(remote.bytesRead).toBe(length)
  const server = { host: '127.0.0.1', port: 1, isTls: false, path: undefined }
  const unopened = new RemoteLink({ ...OPTIONS, server }, { accepted() {}, readable() {}, drained() {}, closed() {} })
  expect([unopened.pendingBytes, unopened.congested, unopened.blocked]).toEqual([0, false, false])
})

describe('Keep Alive', () => {
  const PINGREQ = Buffer.from([0xc0, 0])
  const fakeIntervals = () => vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })

  it('asks in each interval whether the remote broker is there, and gives up when nothing came since', async () => {
    fakeIntervals()
    const { link, remote, events } = await accepted()
    await received(remote)
    vi.advanceTimersByTime(60_000)
    expect(await received(remote)).toEqual(PINGREQ)
    remote.write(Buffer.from([0xd0, 0]))
    await eventually(() => expect(link.bytesReceived).toBe(CONNACK.length + 2))
    vi.advanceTimersByTime(60_000)
    expect(await received(remote)).toEqual(PINGREQ)
    vi.advanceTimersByTime(60_000)
    expect(events.closed).toEqual(['no answer to PINGREQ for 60 s'])
    expect(link.isClosed).toBe(true)
  })

  it('uses the interval of the remote broker, and 0 of it is none', async () => {
    fakeIntervals()
    const five = await accepted(Buffer.from([0x20, 6, 0, 0, 3, 0x13, 0, 5]))
    await received(five.remote)
    vi.advanceTimersByTime(5_000)
    expect(await received(five.remote)).toEqual(PINGREQ)
    const none = await accepted(Buffer.from([0x20, 6, 0, 0, 3, 0x13, 0, 0]))
    vi.advanceTimersByTime(600_000)
    expect(none.events.closed).toEqual([])
  })

  it('goes on while it does not read the remote broker itself, unless that does not read either', async () => {
    fakeIntervals()
    const { link, remote, events } = await accepted()
    // More than the link reads ahead, in small packets that are not taken.
    remote.write(Buffer.alloc(1_000_000, Buffer.from([0xd0, 0])))
    await eventually(() => expect(link.bytesReceived).toBeGreaterThan(262_144))
    vi.advanceTimersByTime(180_000)
    expect(events.closed).toEqual([])
    remote.pause()
    while (!link.blocked) {
      link.write(Buffer.alloc(1_000_000))
      await new Promise((resolve) => setImmediate(resolve))
    }
    vi.advanceTimersByTime(60_000)
    expect(events.closed).toEqual(['no answer to PINGREQ for 60 s'])
  })
})

describe('an answer that is awaited', () => {
  it('may be among the packets that were not taken yet', async () => {
    const { link, remote, events } = await accepted()
    remote.write(Buffer.from([0xd0, 0]))
    await eventually(() => expect(link.bytesReceived).toBe(CONNACK.length + 2))
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    link.awaitAnswer('SUBSCRIBE')
    vi.advanceTimersByTime(20_000)
    expect(events.closed).toEqual([])
    expect(link.next()?.firstByte).toBe(0xd0)
    vi.advanceTimersByTime(10_000)
    expect(events.closed).toEqual(['no answer to SUBSCRIBE within connectTimeoutMs, 10000 ms'])
  })
})

describe('when the bridge stops', () => {
  it('takes nothing that still comes', async () => {
    const { link, remote, events } = await accepted()
    const { readable } = events
    const ended = link.end()
    remote.end(Buffer.from([0xd0, 0]))
    await ended
    expect([events.readable, link.next(), events.closed]).toEqual([readable, undefined, ['the bridge stopped']])
  })

  it('does not wait for a remote broker that keeps the connection open', async () => {
    const { link, events } = await accepted()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const ended = link.end()
    vi.advanceTimersByTime(2_000)
    await ended
    expect(events.closed).toEqual(['the bridge stopped'])
  })
})

/** The next bytes that the remote broker gets. */
const received = async (remote: Socket): Promise<Buffer> => {
  const [bytes] = (await once(remote, 'data')) as [Buffer]
  return bytes
}
