import { describe, expect, test } from 'vitest'
import { ClientError } from './client-error.ts'
import { encodePublishHeader } from './client-packet.ts'
import { filePayload } from './payload.ts'
import { describeTarget, parseBrokerUrl, targetOfUrl } from './target.ts'

describe('a URL of a broker', () => {
  test.each([
    ['mqtt://host', { transport: 'tcp', host: 'host', port: 1883 }, 'host:1883'],
    ['tcp://[::1]:1884', { transport: 'tcp', host: '::1', port: 1884 }, '[::1]:1884'],
    ['ssl://host', { transport: 'tls', host: 'host', port: 8883, tls: { insecure: true } }, 'host:8883'],
    ['ws://host', { transport: 'ws', url: 'ws://host:80/mqtt' }, 'ws://host:80/mqtt'],
    ['ws://[::1]/', { transport: 'ws', url: 'ws://[::1]:80/mqtt' }, 'ws://[::1]:80/mqtt'],
    ['wss://host/a/b', { transport: 'ws', url: 'wss://host:443/a/b', tls: { insecure: true } }, 'wss://host:443/a/b'],
    ['unix:///run/mqtt.sock', { transport: 'unix', path: '/run/mqtt.sock' }, '/run/mqtt.sock'],
  ])('%s', (text, target, described) => {
    const found = targetOfUrl(parseBrokerUrl(text)!, { insecure: true })
    expect(found).toEqual(target)
    expect(describeTarget(found)).toBe(described)
  })

  test.each(['host', 'http://host', 'unix://', 'mqtt://a b', 'mqtt://%zz@host', 'mqtt://host/%zz'])(
    '%s is none',
    (text) => {
      expect(parseBrokerUrl(text)).toBeUndefined()
    },
  )

  test('with a user and a topic', () => {
    expect(parseBrokerUrl('mqtt://a%40b:c%3Ad@host/x/%23')).toMatchObject({
      ...{ userName: 'a@b', password: 'c:d', topic: 'x/#', port: 1883 },
    })
  })
})

test('a folder is no payload', async () => {
  await expect(filePayload(import.meta.dirname)).rejects.toMatchObject({
    code: 'PAYLOAD',
    message: expect.stringContaining('it is not a file'),
  })
})

test('a payload over 256 MiB is refused before anything is sent', () => {
  const encode = (): Buffer =>
    encodePublishHeader({ topic: 'a', payloadLength: 268_435_456, qos: 0, retain: false }, 0, false, 5)
  expect(encode).toThrow(ClientError)
  expect(encode).toThrow('MQTT allows about 268435455 (256 MiB).')
})
