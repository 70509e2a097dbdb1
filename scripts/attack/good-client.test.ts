import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { eventually } from '../../test/helpers/eventually.ts'
import { GoodClient } from './good-client.ts'

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

/** A broker that sends fixed answers to what comes, and whatever else it is told to. */
const connected = async (returnCode = 0) => {
  let client: Socket | undefined
  const server = createServer((socket) => {
    client = socket
    socket.on('error', () => undefined)
    socket.once('data', () => {
      socket.write(Buffer.of(0x20, 2, 0, returnCode))
      socket.once('data', () => socket.write(Buffer.of(0x90, 3, 0, 1, 1)))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => {
    client?.destroy()
    server.close()
  })
  const good = new GoodClient(7)
  closing.push(() => good.destroy())
  await good.connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port }, 8)
  return { good, send: (hex: string) => client!.write(Buffer.from(hex, 'hex')), end: () => client!.destroy() }
}

it('knows which of its messages were acknowledged, and which of another client arrived', async () => {
  const { good, send } = await connected()
  good.publish()
  good.publish()
  expect(good.inFlight).toBe(2)
  // PUBACK for the second message; message 5 of the other client, with Packet Identifier 9.
  send(
    `40020002${'32'}${'1c'}0008${Buffer.from('good/008').toString('hex')}0009${'00000008'}${'00000005'}0000000000000000`,
  )
  await eventually(() => expect([...good.received]).toEqual([5]))
  expect([...good.confirmed]).toEqual([1])
  expect(good.inFlight).toBe(1)
})

it('counts the time of pings, also of those without an answer', async () => {
  const { good, send } = await connected()
  good.ping()
  good.ping()
  send('d000')
  await eventually(() => expect(good.unansweredPings).toBe(1))
  expect(good.takePingTimes()).toHaveLength(2)
  expect(good.takePingTimes()).toHaveLength(1)
})

it('notices that it was disconnected, and is not let in', async () => {
  const { good, end } = await connected()
  expect(good.ending).toBeUndefined()
  end()
  await eventually(() => expect(good.ending).toBeDefined())
  await expect(connected(5)).rejects.toThrow('CONNACK has Return Code 5')
})
