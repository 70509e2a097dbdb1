import { PassThrough, Writable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { TestFiles } from '../../test/helpers/certificates.ts'
import { CommandRun } from '../../test/helpers/command-run.ts'
import { eventually } from '../../test/helpers/eventually.ts'
import { type PacketConnection, PacketServer } from '../../test/helpers/packet-server.ts'
import { HELP_OPTION } from './arguments.ts'
import { main as bench } from './bench/bench.ts'
import { write } from './command-context.ts'
import { main as pub } from './pub.ts'
import { commandMain } from './run-command.ts'
import { main as sub } from './sub.ts'

const CONNACK = '20 03 00 00 00'

let server: PacketServer
beforeEach(async () => {
  server = await PacketServer.start()
})
afterEach(async () => {
  vi.restoreAllMocks()
  await server.stop()
})

/** A command whose connection the broker has accepted. */
const run = async (
  main: typeof pub,
  words: string,
  options: { readonly stdin?: string; readonly isTTY?: boolean } = {},
): Promise<{ readonly command: CommandRun; readonly broker: PacketConnection }> => {
  const command = new CommandRun(main, `-p ${server.port} ${words}`, options)
  const broker = await server.connection()
  broker.send(CONNACK)
  return { command, broker }
}

describe('pub', () => {
  test('--repeat with a delay publishes so many messages', async () => {
    const { command, broker } = await run(pub, '-t a -m x --repeat 3 --repeat-delay 0.001')
    expect(await command.code).toBe(0)
    expect((await broker.received(5)).slice(1)).toEqual([
      ...Array(3).fill('30050001610078'),
      expect.stringMatching(/^e0/),
    ])
  })

  test('a broker that ends the connection while pub waits for lines: exit code 7', async () => {
    const { command, broker } = await run(pub, '-t a -l --no-reconnect')
    command.stdin.write('one\n')
    await broker.received(2)
    // Normal disconnection.
    broker.send('e0 00')
    expect(await command.code).toBe(7)
    expect(command.stderr).toMatch(/^The broker ended the connection: /)
    expect(command.stdin.destroyed).toBe(true)
  })

  test('--quiet prints neither the loss of the connection nor that it is back', async () => {
    const { command, broker } = await run(pub, '-t a -m x -q 1 --quiet')
    await broker.received(2)
    broker.socket.destroy()
    const again = await server.connection(2)
    again.send(CONNACK)
    await again.received(2)
    again.send('40 02 00 01')
    expect(await command.code).toBe(0)
    expect(command.stderr).toBe('')
  })

  test('in a terminal it counts the messages, and those that are not acknowledged', async () => {
    let now = 0
    vi.spyOn(performance, 'now').mockImplementation(() => (now += 2_000))
    const { command, broker } = await run(pub, '-t a -l -q 1', { stdin: '1\n2\n', isTTY: true })
    await broker.received(3)
    broker.send('40 02 00 01')
    await command.prints('1 messages published, 1 not acknowledged yet')
    broker.send('40 02 00 02')
    expect(await command.code).toBe(0)
    expect(command.stderr).toContain('2 messages published\r')
  })

  test('lines that are typed are not counted while they are typed', async () => {
    let now = 0
    vi.spyOn(performance, 'now').mockImplementation(() => (now += 2_000))
    const command = new CommandRun(pub, `-p ${server.port} -t a -l`, { isTTY: true })
    Object.assign(command.stdin, { isTTY: true })
    const broker = await server.connection()
    broker.send(CONNACK)
    command.stdin.end('one\n')
    expect(await command.code).toBe(0)
    expect(command.stderr).toBe('')
  })

  test('a file that takes long has a progress bar', async () => {
    let now = 0
    vi.spyOn(performance, 'now').mockImplementation(() => (now += 2_000))
    const files = new TestFiles()
    const { command } = await run(pub, `-t a -f ${files.write('payload', 'x'.repeat(100))}`, { isTTY: true })
    expect(await command.code).toBe(0)
    expect(command.stderr).toContain('] 100 %, 100 B of 100 B')
    files.remove()
  })

  test('a Topic Name that is longer than MQTT allows: exit code 2, and nothing is sent', async () => {
    const { command, broker } = await run(pub, `-t ${'x'.repeat(65_536)} -m x`)
    expect(await command.code).toBe(2)
    expect(command.stderr).toContain('The Topic Name is longer than 65535 bytes.')
    expect(broker.packets.filter((packet) => packet.startsWith('3'))).toEqual([])
  })

  test('a Will without a payload has an empty one, and its properties', async () => {
    const { command, broker } = await run(pub, '-t a -m x --will-topic w -D will content-type t')
    expect(await command.code).toBe(0)
    expect(broker.packets[0]).toContain('04 030001 74 0001 77 0000'.replaceAll(' ', ''))
  })

  test('a property of one byte', async () => {
    const { command, broker } = await run(pub, '-t a -m x -D connect request-problem-information 0')
    expect(await command.code).toBe(0)
    expect(broker.packets[0]).toContain('1700')
  })
})

test.each<readonly [string, string, string, typeof pub]>([
  ['pub', '-t a -m x --cert /dev/null', 'Give --cert and --key together.', pub],
  ['pub', '-t a -m x -D connect user-property a', 'COMMAND user-property NAME VALUE', pub],
  ['pub', '-t a -m x -D connect', 'COMMAND PROPERTY VALUE', pub],
  ['pub', '-t', '-t needs a value: TOPIC.', pub],
  ['sub', '-t a b', "There is no argument 'b'.", sub],
  // What follows -- is no option.
  ['sub', '-t a -- -x', "There is no argument '-x'.", sub],
])('%s %s: the command line is wrong', async (_name, words, text, main) => {
  const command = new CommandRun(main, words)
  expect(await command.code).toBe(2)
  expect(command.stderr).toContain(text)
  expect(server.connections).toEqual([])
})

test('no password where one is asked for: exit code 1', async () => {
  const command = new CommandRun(pub, '-t a -m x -u ann --ask-password', { stdin: '' })
  expect(await command.code).toBe(1)
  expect(command.stderr).toContain('There is no password.')
})

describe('sub', () => {
  test.each([
    ['', 'The broker refused the subscription to b: Not authorized (0x87).\n'],
    ['--quiet', ''],
  ])('one of several subscriptions is refused: the others are served %s', async (option, stderr) => {
    const { command, broker } = await run(sub, `-t a -t b -C 1 ${option}`)
    await broker.received(2)
    broker.send('90 05 00 01 00 00 87', '30 05 00 01 61 00 78')
    expect(await command.code).toBe(0)
    expect(command.stdout).toBe('x\n')
    expect(command.stderr).toBe(stderr)
  })

  test('--no-retained leaves out what is retained; what comes after the last is not acknowledged', async () => {
    const { command, broker } = await run(sub, '-t a -q 1 -C 1 --no-retained')
    await broker.received(2)
    broker.send('90 04 00 01 00 01', '31 05 00 01 61 00 72')
    broker.send('32 07 00 01 61 00 01 00 78', '32 07 00 01 61 00 02 00 79')
    expect(await command.code).toBe(0)
    expect(command.stdout).toBe('x\n')
    await broker.received(4)
    expect(broker.packets.slice(2, 3)).toEqual(['40020001'])
    expect(broker.packets).not.toContain('40020002')
  })

  test('the topic of the URL is one more filter', async () => {
    const command = new CommandRun(sub, `-L mqtt://127.0.0.1:${server.port}/in/url -E`)
    const broker = await server.connection()
    broker.send(CONNACK)
    expect((await broker.received(2))[1]).toContain(Buffer.from('in/url').toString('hex'))
    broker.send('90 04 00 01 00 00')
    expect(await command.code).toBe(0)
  })
})

describe('bench', () => {
  test('a second SIGINT ends it at once: exit code 130', async () => {
    const { command, broker } = await run(bench, '--subscribers 0 --qos 1 --rate 100 --duration 600')
    // The messages are not acknowledged.
    await broker.received(2)
    command.interrupt()
    command.interrupt()
    expect(await command.code).toBe(130)
  })

  test('a subscription that is refused: the exit code is the Reason Code', async () => {
    const { command, broker } = await run(bench, '-t x')
    await broker.received(2)
    broker.send('90 04 00 01 00 87')
    expect(await command.code).toBe(0x87)
    expect(command.stderr).toContain('The broker refused the subscription to x/#: Not authorized (0x87).')
  })

  test('a message that is refused: the exit code is the Reason Code', async () => {
    const { command, broker } = await run(
      bench,
      '-t x --subscribers 0 --qos 1 --rate 100 --max-inflight 1 --duration 600',
    )
    await broker.received(2)
    broker.send('40 03 00 01 97')
    expect(await command.code).toBe(0x97)
    expect(command.stderr).toContain('The broker refused the message on x/0: Quota exceeded (0x97).')
  })

  test('no session is left at the broker, whatever the properties say', async () => {
    const { command, broker } = await run(
      bench,
      '--subscribers 0 --rate 1 --duration 0.01 -D connect session-expiry-interval 9 -D connect receive-maximum 7 --table',
    )
    expect(await command.code).toBe(0)
    expect(broker.packets[0]).toMatch(/1100000000.*210007|210007.*1100000000/)
    expect(command.stdout).toMatch(/^Latency +nothing arrived$/m)
  })
})

describe('a command', () => {
  const spec = { usage: '', summary: 'Does it.', options: HELP_OPTION }

  test('without notes has a help without them', async () => {
    const command = new CommandRun(
      commandMain(spec, () => Promise.resolve(0)),
      '--help',
    )
    expect(await command.code).toBe(0)
    expect(command.stdout).toMatch(/^Usage: mqtt-jig test \n\nDoes it\.\n\n {6}--help {2}print this and exit\n$/)
  })

  test('with a mistake in its code ends with the error itself, which has its place', async () => {
    const mistake = new TypeError('x is not a function')
    const command = new CommandRun(
      commandMain(spec, () => Promise.reject(mistake)),
      '',
    )
    await expect(command.code).rejects.toBe(mistake)
  })

  test('waits for a reader that is slow, until it reads or ends', async () => {
    const slow = new PassThrough({ highWaterMark: 1 })
    let isDone = false
    const written = write(slow, 'text')!.then(() => {
      isDone = true
    })
    await new Promise(setImmediate)
    expect(isDone).toBe(false)
    slow.resume()
    await written
    expect(isDone).toBe(true)
    const ending = new Writable({ highWaterMark: 1, write: () => {} })
    const ended = write(ending, 'text')
    ending.destroy()
    await ended
    expect(write(ending, 'more')).toBeUndefined()
    await eventually(() => expect(ending.listenerCount('drain')).toBe(0))
  })
})
