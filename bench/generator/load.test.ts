import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { Aedes } from 'aedes'
import { afterEach, expect, test } from 'vitest'
import { benchCases } from '../cases.ts'
import type { Job, LoadPlan, Outcome } from '../plan.ts'
import { createRelay, type Tamper } from '../relay/relay.ts'
import { ClosedLoop } from './closed-loop.ts'
import { runConnect } from './connect.ts'
import { runLoad } from './load.ts'
import { Meter } from './meter.ts'
import { Publisher } from './publisher.ts'

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

const pairs = benchCases({ connections: 1 })[0]!.plan as LoadPlan
/** A number of deliveries, without a time limit. */
const small: LoadPlan = { ...pairs, groups: 2, pace: { mode: 'window', messages: 10 }, deliveries: 400 }

const jobFor = async (server: ReturnType<typeof createServer>): Promise<Omit<Job, 'plan'>> => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => server.close())
  const { port } = server.address() as AddressInfo
  return { host: '127.0.0.1', port, transport: 'tcp', brokerPid: process.pid, warmUpMs: 0, measureMs: 0 }
}

const run = async (wanted: LoadPlan, tamper?: Tamper): Promise<Outcome> => {
  const job = await jobFor(createRelay(tamper === undefined ? {} : { tamper }))
  return runLoad(wanted, { ...job, plan: wanted }, () => {})
}

const faultsOf = (outcome: Outcome): Record<string, number> => {
  if (outcome.status !== 'measured') throw new Error(JSON.stringify(outcome))
  return Object.fromEntries(Object.entries(outcome.faults).filter(([, count]) => count > 0))
}

test.each<[string, LoadPlan]>([
  ['pairs', small],
  ['fan-out', { ...small, groups: 1, subscribers: 5 }],
  ['fan-in', { ...small, groups: 1, publishers: 5 }],
  ['many topics', { ...small, topics: 50 }],
  ['version 5', { ...small, publisherVersion: 5, subscriberVersions: [5], userProperties: 3 }],
  ['large payloads', { ...small, payloadBytes: 300_000, deliveries: 60 }],
  ['an open loop', { ...small, pace: { mode: 'rate', perSecond: 2000 } }],
])('a broker that delivers everything has no faults: %s', async (_, wanted) => {
  const outcome = await run(wanted)
  expect(faultsOf(outcome)).toEqual({})
  expect(outcome).toMatchObject({ values: { messagesPerSecond: expect.any(Number), latencyP99Us: expect.any(Number) } })
})

/** Does something else with one message of many, but not with the last ones: a message behind it shows what is missing. */
const sometimes = (other: (frame: Buffer) => readonly Buffer[]): Tamper => {
  let messages = 0
  return (frame) => (++messages % 20 === 0 && messages < 100 ? other(frame) : [frame])
}

test('a broker that loses messages is found out', async () => {
  expect(
    faultsOf(
      await run(
        small,
        sometimes(() => []),
      ),
    ),
  ).toEqual({ lost: expect.any(Number) })
})

test('a broker that repeats messages is found out', async () => {
  expect(
    faultsOf(
      await run(
        small,
        sometimes((frame) => [frame, frame]),
      ),
    ),
  ).toEqual({ duplicated: expect.any(Number) })
})

test('a broker that exchanges messages is found out', async () => {
  let held: Buffer | undefined
  const exchange: Tamper = (frame) => {
    if (held !== undefined) {
      const frames = [frame, held]
      held = undefined
      return frames
    }
    // The first message of a publisher has none behind it to be exchanged with.
    if (frame.readUInt32BE(frame.length - small.payloadBytes + 4) % 20 !== 3) return [frame]
    held = frame
    return []
  }
  const faults = faultsOf(await run({ ...small, groups: 1 }, exchange))
  expect(faults['reordered']).toBeGreaterThan(0)
  expect(faults['duplicated']).toBeUndefined()
})

test('a broker that cuts messages is found out', async () => {
  const cut = (frame: Buffer) => [Buffer.concat([Buffer.of(frame[0]!, frame[1]! - 1), frame.subarray(2, -1)])]
  expect(faultsOf(await run(small, sometimes(cut)))).toEqual({ damaged: expect.any(Number) })
})

test('a delivery to the wrong client is detected', async () => {
  const misroute = (frame: Buffer) => {
    const other = Buffer.from(frame)
    other.writeUInt32BE(99, other.length - small.payloadBytes)
    return [other]
  }
  expect(faultsOf(await run(small, sometimes(misroute)))).toMatchObject({ misrouted: expect.any(Number) })
})

test.each([1, 2] as const)('QoS %i is acknowledged on both sides, and then there are no faults', async (qos) => {
  const aedes = await Aedes.createBroker()
  closing.push(() => aedes.close())
  const wanted: LoadPlan = { ...small, qos }
  const outcome = await runLoad(wanted, { ...(await jobFor(createServer(aedes.handle))), plan: wanted }, () => {})
  expect(faultsOf(outcome)).toEqual({})
  expect(outcome).toMatchObject({ values: { messagesPerSecond: expect.any(Number) } })
})

test('acknowledgements of what was not sent, twice, or with an error are found out', async () => {
  const job = await jobFor(createServer((socket) => socket.resume()))
  const meter = new Meter(0)
  const publication = { ...small, qos: 1, stream: 0, topics: ['a'], window: 10 } as const
  const publisher = new Publisher(job, 5, meter, publication, new ClosedLoop())
  const connecting = publisher.connect('a')
  publisher.send(3, 0)
  expect(publisher.inFlight).toBe(3)
  publisher.acknowledged(4, 1, 0)
  expect(meter.faults.wrongAcknowledgements).toBe(0)
  publisher.acknowledged(4, 1, 0)
  publisher.acknowledged(4, 4, 0)
  publisher.acknowledged(4, 2, 0x87)
  publisher.acknowledged(7, 2, 0)
  expect(meter.faults.wrongAcknowledgements).toBe(4)
  expect(publisher.inFlight).toBe(2)
  publisher.destroy()
  await expect(connecting).rejects.toThrow()
})

test('a broker that grants less than was asked for refuses the case', async () => {
  await expect(run({ ...small, qos: 2 })).rejects.toThrow('SUBACK grants QoS 1 where QoS 2 was asked for')
})

test('a broker that does not support the version refuses the case, and its Reason Code is reported', async () => {
  const job = await jobFor(createServer((socket) => socket.end(Buffer.from('2003008400', 'hex'))))
  const wanted: LoadPlan = { ...small, publisherVersion: 5, subscriberVersions: [5] }
  await expect(runLoad(wanted, { ...job, plan: wanted }, () => {})).rejects.toThrow(
    'CONNACK 0x84 to CONNECT of version 5',
  )
})

test('connections are opened and closed as often as asked for', async () => {
  const job = await jobFor(createRelay())
  const wanted = { kind: 'connect', concurrency: 5, version: 4, cycles: 40 } as const
  const outcome = await runConnect(wanted, { ...job, plan: wanted }, () => {})
  expect(faultsOf(outcome)).toEqual({})
  expect(outcome).toMatchObject({ values: { connections: expect.any(Number) } })
})
