import { afterEach, expect, test } from 'vitest'
import { main as pub } from '../../src/cli/pub.ts'
import { main as sub } from '../../src/cli/sub.ts'
import { CommandRun } from '../helpers/command-run.ts'
import { FakeBrokerServer } from '../helpers/fake-broker-server.ts'

const CONNACK = '20 03 00 00 00'
const SUBACK = '90 04 00 01 00 00'

let fake: FakeBrokerServer | undefined
afterEach(async () => {
  await fake?.stop()
  fake = undefined
})

const subscribeTo = async (
  answers: Parameters<typeof FakeBrokerServer.start>[0],
  options = '',
): Promise<CommandRun> => {
  fake = await FakeBrokerServer.start(answers)
  return new CommandRun(sub, `-p ${fake.port} -t a ${options}`)
}

test.each([
  ['no CONNACK first', ['30 04 00 01 61 00'], 'The first packet is not CONNACK. Protocol Error (0x82) [MQTT-3.2.0-1]'],
  ['bytes that are no MQTT', ['48'], 'The first packet is not CONNACK.'],
  ['a malformed CONNACK', ['20 05 00 00 02 ff 00'], 'A Property Identifier is unknown.'],
  ['a second CONNACK', [`${CONNACK}${CONNACK}`], 'A second CONNACK packet came.'],
  [
    'a SUBACK for another packet',
    [CONNACK, '90 04 00 09 00 00'],
    'An answer to a SUBSCRIBE packet came that was not sent.',
  ],
  [
    'a topic with a wildcard',
    [CONNACK, `${SUBACK} 30 05 00 02 61 2b 00`],
    'The Topic Name holds a wildcard character.',
  ],
  [
    'a Topic Alias that is not allowed',
    [CONNACK, `${SUBACK} 30 08 00 01 61 03 23 00 01 78`],
    'A Topic Alias is over Topic Alias Maximum.',
  ],
  ['a packet that is too large', [CONNACK, `${SUBACK} 30 ff ff 7f`], 'bytes, more than the 100 that are accepted.'],
  ['AUTH', [CONNACK, `${SUBACK} f0 00`], 'A server may not send AUTH here.'],
])('%s ends sub with a clear error', async (_name, answers, message) => {
  const run = await subscribeTo(answers, '-D connect maximum-packet-size 100')
  expect(await run.code).toBe(21)
  expect(run.stderr).toContain(message)
  expect(run.stdout).toBe('')
  // It did not connect again.
  expect(fake!.sockets.length).toBe(1)
})

test('after CONNACK the broker is told why', async () => {
  const run = await subscribeTo([CONNACK, `${SUBACK} 36 05 00 01 61 00 01`])
  expect(await run.code).toBe(21)
  await expect.poll(() => fake!.received).toMatch(/e0028100$/)
})

test.each([
  ['CONNACK refuses', ['20 03 00 87 00'], 135, 'The broker refused the connection: Not authorized (0x87).'],
  [
    'DISCONNECT',
    [CONNACK, `${SUBACK} e0 02 8e 00`],
    142,
    'The broker ended the connection: Session taken over (0x8E).',
  ],
  [
    'SUBACK refuses',
    [CONNACK, '90 04 00 01 00 87'],
    135,
    'The broker refused the subscription to a: Not authorized (0x87).',
  ],
])('%s: the exit code is the Reason Code', async (_name, answers, code, message) => {
  const run = await subscribeTo(answers)
  expect(await run.code).toBe(code)
  expect(run.stderr).toBe(`${message}\n`)
})

test('CONNACK before MQTT 5.0', async () => {
  const run = await subscribeTo(['20 02 00 05'], '-V 311')
  expect(await run.code).toBe(5)
  expect(run.stderr).toBe('The broker refused the connection: not authorized (5).\n')
})

test.each([
  ['control characters', '20 09 00 87 06 1f 00 03 1b 5b 4a', ' [J'],
  ['marks that turn the text', '20 0b 00 87 08 1f 00 05 61 e2 80 ae 62', 'a b'],
])('a Reason String cannot control the terminal: %s', async (_name, connack, shown) => {
  const run = await subscribeTo([connack])
  expect(await run.code).toBe(135)
  expect(run.stderr).toBe(`The broker refused the connection: Not authorized (0x87), "${shown}".\n`)
})

test('a broker that accepts the connection and says nothing', async () => {
  const run = await subscribeTo([], '--connect-timeout 0.05')
  expect(await run.code).toBe(27)
  expect(run.stderr).toMatch(/did not answer within 50 ms/)
})

test('a broker that closes at once', async () => {
  const run = await subscribeTo([(socket) => socket.end()])
  expect(await run.code).toBe(7)
  expect(run.stderr).toContain('The broker closed the connection before CONNACK.')
})

test('PUBACK refuses: the exit code is the Reason Code', async () => {
  fake = await FakeBrokerServer.start([CONNACK, '40 03 00 01 87'])
  const run = new CommandRun(pub, `-p ${fake.port} -t a -m x -q 1`)
  expect(await run.code).toBe(135)
  expect(run.stderr).toBe('The broker refused the message on a: Not authorized (0x87).\n')
})

test.each([
  ['QoS 2', '20 05 00 00 02 24 01', '-q 2', 0x9b, 'The broker takes messages up to QoS 1.'],
  ['retained messages', '20 05 00 00 02 25 00', '-r', 0x9a, 'The broker does not retain messages.'],
  ['large packets', '20 08 00 00 05 27 00 00 00 0a', '-m 12345678901', 25, 'The broker takes 10.'],
])('a broker that does not take %s is not sent them', async (_name, connack, options, code, message) => {
  fake = await FakeBrokerServer.start([connack])
  const run = new CommandRun(pub, `-p ${fake.port} -t a ${options.includes('-m') ? '' : '-m x '}${options}`)
  expect(await run.code).toBe(code)
  expect(run.stderr).toContain(message)
})

test('a subscription that is refused after the session was lost ends sub', async () => {
  const fakeBroker = await FakeBrokerServer.start([CONNACK, SUBACK])
  fake = fakeBroker
  const run = new CommandRun(sub, `-p ${fakeBroker.port} -t a`)
  await expect.poll(() => fakeBroker.received).toMatch(/82.*61/)
  fakeBroker.answers = [CONNACK, '90 04 00 02 00 87']
  await expect.poll(() => fakeBroker.sockets.length).toBe(1)
  fakeBroker.sockets[0]!.destroy()
  expect(await run.code).toBe(135)
  expect(run.stderr).toContain('The broker refused the subscription after the session was lost: Not authorized (0x87).')
})

test('SIGINT ends pub while it connects', async () => {
  fake = await FakeBrokerServer.start([])
  const run = new CommandRun(pub, `-p ${fake.port} -t a -m x`)
  await expect.poll(() => fake!.received).not.toBe('')
  run.interrupt()
  expect(await run.code).toBe(130)
})

test('acknowledgements of packets that were not sent change nothing', async () => {
  fake = await FakeBrokerServer.start([`${CONNACK} 40 02 00 01 50 02 00 05 70 02 00 07 62 02 00 08`, '40 02 00 01'])
  const run = new CommandRun(pub, `-p ${fake.port} -t a -m x -q 1`)
  expect(await run.code).toBe(0)
  // PUBREL and PUBCOMP: Packet Identifier not found.
  expect(fake.received).toContain('6203000592')
  expect(fake.received).toContain('7003000892')
})
