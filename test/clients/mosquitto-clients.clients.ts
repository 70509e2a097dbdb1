/** mosquitto_pub and mosquitto_sub of Debian with passwords, TLS and mutual TLS. They have no WebSocket before mosquitto 2.1. */

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { TestAuthority } from '../helpers/certificates.ts'
import { endPrograms, run } from '../smoke/program.ts'
import { describeClient, requirements } from './requirements.ts'
import { type ListenerName, SecuredBroker, USER } from './secured-broker.ts'

let broker: SecuredBroker
beforeAll(async () => {
  broker = await SecuredBroker.start()
})
afterEach(() => endPrograms())
afterAll(() => broker?.stop())

const LISTENERS = ['tcp', 'tls', 'mutualTls'] as const
const CASES = LISTENERS.flatMap((listener) =>
  ['mqttv31', 'mqttv311', 'mqttv5'].map((version) => ({ listener, version })),
)

const optionsOf = (listener: ListenerName, password: string = USER.password): string[] => {
  const { ca, cert, key } = broker.clientFiles
  return [
    ...['-h', '127.0.0.1', '-p', String(broker.port(listener)), '-u', USER.name, '-P', password],
    ...(listener === 'tcp' ? [] : ['--cafile', ca]),
    ...(listener === 'mutualTls' ? ['--cert', cert, '--key', key] : []),
  ]
}

const publish = (options: readonly string[]): Promise<number | null> => run('mosquitto_pub', options).ended

describeClient('mosquitto_pub and mosquitto_sub', [requirements.mosquittoClients], () => {
  test.each(CASES)('publish and receive over $listener, $version', async ({ listener, version }) => {
    const address = [...optionsOf(listener), '-V', version]
    const topic = `clients/${listener}/${version}`
    const clientId = `sub-${listener}-${version}`
    const output = ['-C', '3', '-d', '-F', 'got %t %q %p']
    // Into a pipe it would write nothing before it ends: stdbuf has it write line by line.
    const subscriber = run('stdbuf', [
      '-oL',
      'mosquitto_sub',
      ...address,
      '-i',
      clientId,
      '-t',
      topic,
      '-q',
      '2',
      ...output,
    ])
    await subscriber.line(/^Subscribed /)
    const peer = broker.peerOf(clientId)
    expect(peer?.tls?.commonName).toBe(listener === 'mutualTls' ? 'device-1' : undefined)
    for (const qos of ['0', '1', '2']) {
      expect(await publish([...address, '-t', topic, '-q', qos, '-m', `at ${qos}`])).toBe(0)
    }
    expect(await subscriber.ended).toBe(0)
    expect(subscriber.lines.filter((line) => line.startsWith('got '))).toEqual(
      ['0', '1', '2'].map((qos) => `got ${topic} ${qos} at ${qos}`),
    )
    expect(broker.linesAbout(clientId)[0]).toContain(`user ${USER.name}`)
  })

  test.each([
    ['mqttv311', 4],
    ['mqttv5', 0x86],
  ])('are told that the password is wrong, %s', async (version, code) => {
    const address = [...optionsOf('tls', 'wrong'), '-V', version]
    expect(await publish([...address, '-t', 'a', '-m', 'x'])).toBe(code)
  })

  test('are refused without a user name', async () => {
    const address = ['-h', '127.0.0.1', '-p', String(broker.port('tcp')), '-V', 'mqttv5']
    expect(await publish([...address, '-t', 'a', '-m', 'x'])).not.toBe(0)
  })

  test('are refused by mutual TLS without a certificate', async () => {
    const address = [...optionsOf('tls'), '-p', String(broker.port('mutualTls'))]
    expect(await publish([...address, '-t', 'a', '-m', 'x'])).not.toBe(0)
  })

  test('refuse a broker whose certificate another authority signed', async () => {
    const other = await TestAuthority.create('CN=Other')
    const address = [...optionsOf('tls'), '--cafile', broker.files.write('other.pem', other.cert)]
    expect(await publish([...address, '-t', 'a', '-m', 'x'])).not.toBe(0)
  })
})
