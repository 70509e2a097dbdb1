import type { Packet } from 'mqtt-packet'
import { expect, it } from 'vitest'
import type { PacketReceiver } from '../../src/kinds/pipeline-stage.ts'
import { malformedPacket } from '../../src/mqtt/refusal.ts'
import { FakeConnection, PacketRecorder } from '../../test/helpers/fake-connection.ts'
import { lifecycleContext } from '../../test/helpers/lifecycle-context.ts'
import { pass } from '../../test/helpers/publish-packet.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { packetLog } from './index.ts'
import { PacketLog } from './packet-log.ts'

const secret = Buffer.from('secret')
const packets: Packet[] = [
  {
    cmd: 'connect',
    clientId: 'name',
    protocolVersion: 4,
    clean: true,
    keepalive: 60,
    username: 'secret',
    password: secret,
    will: { topic: 'will', payload: secret },
  },
  { cmd: 'publish', topic: 'a', payload: secret, qos: 1, messageId: 9, retain: false, dup: true },
  { cmd: 'publish', topic: '', payload: secret, qos: 0, retain: true, dup: false, properties: { topicAlias: 5 } },
  { cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'a/+', qos: 1 }] },
  { cmd: 'unsubscribe', messageId: 2, unsubscriptions: Array.from({ length: 5_000 }, (_, n) => `${n}`) },
  { cmd: 'disconnect' },
]
const error = malformedPacket('It was cut short.', 'MQTT-1.5.4-1')

it('logs what passes, passes it on as it is, and gives away no payload, user name or password', () => {
  const log = new RecordingLogger()
  const next = new PacketRecorder()
  const receiver = new PacketLog(log, 'debug').open(new FakeConnection(3, '127.0.0.1:5'), next)
  for (const packet of packets) pass(packet, receiver)
  receiver.fail?.(error)
  expect(next.packets).toEqual(packets)
  expect(next.errors).toEqual([error])

  const common = { level: 'debug', client: 'name', connection: 3, remote: '127.0.0.1:5' }
  expect(log.lines).toMatchObject([
    { ...common, cmd: 'connect', clientId: 'name', protocolVersion: 4, keepalive: 60, will: 'will' },
    { ...common, cmd: 'publish', topic: 'a', qos: 1, messageId: 9, retain: false, dup: true, payloadBytes: 6 },
    { ...common, cmd: 'publish', topic: '', topicAlias: 5, qos: 0, retain: true, payloadBytes: 6 },
    { ...common, cmd: 'subscribe', messageId: 1, filters: ['a/+ (QoS 1)'] },
    { ...common, cmd: 'unsubscribe', messageId: 2, filters: expect.objectContaining({ length: 10 }), of: 5_000 },
    { ...common, cmd: 'disconnect' },
    { ...common, message: 'Protocol error', reason: 'Malformed Packet (0x81)', clause: 'MQTT-1.5.4-1' },
  ])
  expect(JSON.stringify(log.lines)).not.toContain('secret')
})

it('knows the client of a connection whose CONNECT it has not seen, and takes over another level, logger and neighbour', async () => {
  const [log, other] = [new RecordingLogger(), new RecordingLogger()]
  const context = lifecycleContext('packetLog')
  const config = (level: string) => packetLog.config.parse({ level })
  const stage = packetLog.start(config('debug'), { logger: log }, context) as PacketLog
  const connection = new FakeConnection()
  connection.clientId = 'kitchen'
  const [next, another] = [new PacketRecorder(), new PacketRecorder()]
  const receiver = stage.open(connection, next)
  receiver.packet({ cmd: 'pingreq' })
  expect(log.lines).toMatchObject([{ level: 'debug', client: 'kitchen', cmd: 'pingreq' }])
  const adjustment = await packetLog.adjust!(stage, config('info'), { logger: other }, context)
  adjustment.commit()
  receiver.packet({ cmd: 'pingreq' })
  expect(other.lines).toMatchObject([{ level: 'info', client: 'kitchen' }])
  adjustment.undo()
  ;(receiver.redirect as (next: PacketReceiver) => void)(another)
  receiver.packet({ cmd: 'pingreq' })
  expect([log.lines.length, other.lines.length, next.packets.length, another.packets.length]).toEqual([2, 1, 2, 1])
})
