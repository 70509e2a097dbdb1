/** `mqtt-jig pub` and `sub` against a real mosquitto, beside mosquitto_pub and mosquitto_sub. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { freePort } from '../../bench/brokers/free-port.ts'
import { TestFiles, testCertificates } from '../helpers/certificates.ts'
import { eventually } from '../helpers/eventually.ts'
import { endPrograms, type Program, run } from '../smoke/program.ts'
import { describeClient, requirements } from './requirements.ts'

const NEEDED = [requirements.mosquitto, requirements.mosquittoClients]

let folder: string
let files: TestFiles
let broker: Program
let port: number
let tlsPort: number
let webSocketPort: number
let ca: string

/** Starts mosquitto with persistence, so that a session outlives it. */
const startMosquitto = async (): Promise<void> => {
  broker = run('mosquitto', ['-c', join(folder, 'mosquitto.conf')])
  await eventually(async () => {
    const trial = run('mosquitto_pub', ['-p', String(port), '-t', 'trial', '-n'])
    if ((await trial.ended) !== 0) throw new Error('mosquitto does not answer')
  }, 100)
}

const jig = (...args: string[]): Program => run('node', ['bin/mqtt-jig.mjs', ...args])

describeClient('mqtt-jig pub and sub with mosquitto', NEEDED, () => {
  beforeAll(async () => {
    const { authority, server } = await testCertificates()
    folder = mkdtempSync(join(tmpdir(), 'mqtt-jig-mosquitto-'))
    files = new TestFiles()
    ca = files.write('ca.pem', authority.cert)
    const { cert, key } = files.pair('server', server)
    port = await freePort()
    tlsPort = await freePort()
    webSocketPort = await freePort()
    const conf = [
      `listener ${port} 127.0.0.1`,
      'allow_anonymous true',
      'log_dest none',
      `listener ${webSocketPort} 127.0.0.1`,
      'protocol websockets',
      `listener ${tlsPort} 127.0.0.1`,
      `cafile ${ca}`,
      `certfile ${cert}`,
      `keyfile ${key}`,
      'persistence true',
      `persistence_location ${folder}/`,
      // As root it would become another user, who may not read the files.
      ...(process.getuid?.() === 0 ? ['user root'] : []),
    ]
    writeFileSync(join(folder, 'mosquitto.conf'), `${conf.join('\n')}\n`)
    await startMosquitto()
  })
  afterEach(() => endPrograms(broker))
  afterAll(async () => {
    await endPrograms()
    rmSync(folder, { recursive: true, force: true })
    files.remove()
  })

  /** Publishes retained messages until the subscriber has one: then it is subscribed. */
  const subscribed = (subscriber: Program, topic: string): Promise<void> =>
    eventually(async () => {
      await run('mosquitto_pub', ['-p', String(port), '-t', topic, '-m', 'ready']).ended
      if (!subscriber.lines.some((line) => line.includes('ready'))) throw new Error('not subscribed')
    }, 100)

  const messages = ({ lines }: Program): string[] => lines.filter((line) => !line.includes('ready'))

  test.each(['mqttv31', 'mqttv311', 'mqttv5'])('messages of both publishers, %s', async (version) => {
    const topic = `both/${version}`
    const format = ['-F', '%t|%q|%r|%p']
    const subscriber = jig('sub', '-p', String(port), '-t', topic, '-q', '2', '-V', version, ...format)
    await subscribed(subscriber, topic)
    for (const qos of ['0', '1', '2']) {
      const options = ['-p', String(port), '-t', topic, '-q', qos, '-V', version, '-m']
      expect(await run('mosquitto_pub', [...options, `theirs ${qos}`]).ended).toBe(0)
      expect(await jig('pub', ...options, `ours ${qos}`).ended).toBe(0)
    }
    await eventually(() => expect(messages(subscriber).length).toBe(6))
    expect(messages(subscriber)).toEqual(
      ['0', '1', '2'].flatMap((qos) => [`${topic}|${qos}|0|theirs ${qos}`, `${topic}|${qos}|0|ours ${qos}`]),
    )
  })

  test('mosquitto_sub and our sub print the same for each format', async () => {
    const topic = 'formats'
    const format = '%t|%q|%r|%l|%p|%x|%X|%C|%D|%E|%F|%R|%P|%-10t|%10t|%.3t|%%|\\t|'
    // Into a pipe mosquitto_sub would write nothing before it ends: stdbuf has it write line by line.
    const options = ['-p', String(port), '-t', topic, '-q', '1', '-V', '5', '-F', format]
    const theirs = run('stdbuf', ['-oL', 'mosquitto_sub', ...options])
    const ours = jig('sub', ...options)
    await subscribed(theirs, topic)
    await subscribed(ours, topic)
    const properties = [
      ['user-property', 'a', 'b'],
      ['user-property', 'a', 'c'],
      ['user-property', 'd e', 'f'],
      ['content-type', 'text'],
      ['correlation-data', 'xyz'],
      ['response-topic', 'r/t'],
      ['message-expiry-interval', '600'],
      ['payload-format-indicator', '1'],
    ].flatMap((property) => ['-D', 'publish', ...property])
    const publish = ['pub', '-p', String(port), '-t', topic, '-q', '1', '-m', '{"a":1}', ...properties]
    expect(await jig(...publish).ended).toBe(0)
    await eventually(() => {
      expect(messages(theirs).length).toBe(1)
      expect(messages(ours).length).toBe(1)
    })
    expect(messages(ours)).toEqual(messages(theirs))
  })

  test('TLS', async () => {
    const address = ['-h', 'localhost', '-p', String(tlsPort), '--cafile', ca]
    const subscriber = jig('sub', ...address, '-t', 'secure')
    await subscribed(subscriber, 'secure')
    expect(await jig('pub', ...address, '-t', 'secure', '-m', 'over TLS').ended).toBe(0)
    await eventually(() => expect(messages(subscriber)).toEqual(['over TLS']))
  })

  test('WebSocket', async () => {
    const address = ['-L', `ws://127.0.0.1:${webSocketPort}/mqtt`]
    const subscriber = jig('sub', ...address, '-t', 'web')
    await subscribed(subscriber, 'web')
    expect(await jig('pub', ...address, '-t', 'web', '-m', 'over WebSocket').ended).toBe(0)
    await eventually(() => expect(messages(subscriber)).toEqual(['over WebSocket']))
  })

  test('the exit codes are those of mosquitto_pub and mosquitto_sub', async () => {
    const unused = String(await freePort())
    expect(await jig('pub', '-p', unused, '-t', 'a', '-m', 'x', '--quiet').ended).toBe(
      await run('mosquitto_pub', ['-p', unused, '-t', 'a', '-m', 'x', '--quiet']).ended,
    )
    const timeout = ['-p', String(port), '-t', 'nothing/here', '-W', '1']
    expect(await jig('sub', ...timeout).ended).toBe(await run('mosquitto_sub', timeout).ended)
  })

  test('mosquitto is killed and started again: QoS 2 arrives once', async () => {
    const subscriber = jig('sub', '-p', String(port), '-t', 'restart', '-q', '2', '-c', '-i', 'jig-restart')
    await subscribed(subscriber, 'restart')
    const publisher = jig('pub', '-p', String(port), '-t', 'restart', '-q', '2', '-l', '-c', '-i', 'jig-publisher')
    publisher.child.stdin!.write('before\n')
    await eventually(() => expect(messages(subscriber)).toEqual(['before']))
    // SIGTERM writes the sessions to the disk.
    broker.child.kill('SIGTERM')
    await broker.ended
    publisher.child.stdin!.write('meanwhile\n')
    await startMosquitto()
    publisher.child.stdin!.end('after\n')
    expect(await publisher.ended).toBe(0)
    await eventually(() => expect(messages(subscriber)).toEqual(['before', 'meanwhile', 'after']))
  })
})
