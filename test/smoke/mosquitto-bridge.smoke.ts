import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { endPrograms, type Program, run, startBrokerProgram } from './program.ts'

/** By `bridge_protocol_version`. */
const VERSIONS = ['mqttv31', 'mqttv311', 'mqttv50'] as const

/** A bridge is refused when it first tries an extension of its own, and comes back after 5 to 30 seconds. */
const PATIENCE_MS = 120_000

let folder: string
let port: number
let broker: Program
let bridge: Program

/** The options of a client of mosquitto for either side; mosquitto listens on a socket of the file system, and no port. */
const sides = {
  mosquitto: () => ['--unix', join(folder, 'socket')],
  jig: () => ['-h', '127.0.0.1', '-p', String(port)],
}

/** One mosquitto with a bridge for each version, with default settings but for the address, the version and the topics. */
const configuration = (): string =>
  [
    ...[`listener 0 ${join(folder, 'socket')}`, 'allow_anonymous true', 'user root', 'log_dest stdout', 'log_type all'],
    ...VERSIONS.flatMap((version) => [
      ...[`connection ${version}`, `address 127.0.0.1:${port}`, `bridge_protocol_version ${version}`],
      ...[`topic ${version}/out/# out 2`, `topic ${version}/in/# in 2`],
    ]),
  ].join('\n')

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mqtt-jig-bridge-'))
  const started = await startBrokerProgram()
  broker = started.program
  port = started.port
  await writeFile(join(folder, 'mosquitto.conf'), configuration())
  bridge = run('stdbuf', ['-oL', 'mosquitto', '-c', join(folder, 'mosquitto.conf')])
  await Promise.all(VERSIONS.map((version) => bridge.line(new RegExp(`Received SUBACK from local\\..*\\.${version}$`))))
}, PATIENCE_MS)

afterAll(async () => {
  await endPrograms()
  await rm(folder, { recursive: true })
})

/** Publishes on one side what a client on the other has subscribed to. @returns what that client got. */
const cross = async (from: keyof typeof sides, to: keyof typeof sides, topic: string, qos: string): Promise<string> => {
  const options = ['-t', topic, '-q', qos, '-C', '1', '-W', '20', '-d', '-F', 'got %t %q %p']
  const subscriber = run('stdbuf', ['-oL', 'mosquitto_sub', ...sides[to](), ...options])
  const got = subscriber.line(/^got (.*)$/)
  await subscriber.line(/^Subscribed /)
  const publisher = run('mosquitto_pub', [...sides[from](), '-t', topic, '-q', qos, '-m', 'across'])
  expect(await publisher.ended).toBe(0)
  const [, text] = await got
  return text!
}

describe.each(VERSIONS)('a mosquitto bridge of %s', (version) => {
  test.each(['0', '1', '2'])('carries messages both ways at QoS %s', async (qos) => {
    expect(await cross('mosquitto', 'jig', `${version}/out/a`, qos)).toBe(`${version}/out/a ${qos} across`)
    expect(await cross('jig', 'mosquitto', `${version}/in/a`, qos)).toBe(`${version}/in/a ${qos} across`)
  })

  test('stays connected, though its notification and its Will are not accepted', () => {
    const logged = broker.lines
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as { client?: string; msg: string; topic?: string })
      .filter(({ client }) => client?.endsWith(`.${version}`))
    expect(logged.filter(({ msg }) => msg.startsWith('Client connected'))).toHaveLength(1)
    expect(logged.filter(({ msg }) => msg.startsWith('Client disconnected'))).toEqual([])
    expect(logged.map(({ topic }) => topic)).toContain(`$SYS/broker/connection/${logged[0]!.client}/state`)
  })
})
