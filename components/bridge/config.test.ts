import { expect, it } from 'vitest'
import { bridgeConfig } from './config.ts'

const topics = [{ filter: '#', direction: 'out' }]
const parse = (more: object) => bridgeConfig.safeParse({ servers: ['mqtt://broker.example'], topics, ...more })

it('has defaults for everything but the servers and topics', () => {
  const { data } = parse({})
  expect(data).toMatchObject({
    servers: [{ host: 'broker.example', port: 1883, isTls: false, path: undefined }],
    topics: [{ filter: '#', direction: 'out', qos: 1, localPrefix: '', remotePrefix: '' }],
    ...{ protocolVersion: '5.0', cleanStart: false, hops: true, notifications: false },
  })
})

it.each([
  ['mqtts://broker.example', { host: 'broker.example', port: 8883, isTls: true, path: undefined }],
  ['mqtt://[2001:db8::1]:1884', { host: '2001:db8::1', port: 1884, isTls: false, path: undefined }],
  ['mqtt://10.0.0.1:1/', { host: '10.0.0.1', port: 1, isTls: false, path: undefined }],
  ['ws://broker.example/mqtt', { host: 'broker.example', port: 80, isTls: false, path: '/mqtt' }],
  ['wss://[2001:db8::1]', { host: '2001:db8::1', port: 443, isTls: true, path: '/' }],
])('reads the server %s', (server, expected) => {
  expect(parse({ servers: [server] }).data?.servers).toEqual([expected])
})

it.each([
  [{ servers: ['broker.example'] }, 'servers.0', 'not a URL'],
  [{ servers: ['http://broker.example'] }, 'servers.0', 'neither mqtt:, mqtts:, ws: nor wss:'],
  [{ servers: ['mqtt://user:word@broker.example'] }, 'servers.0', 'use userName and passwordFile'],
  [{ servers: ['mqtt://broker.example/path'] }, 'servers.0', 'follows the port'],
  [{ servers: ['ws://broker.example/path?a'] }, 'servers.0', 'follows the path'],
  [{ servers: ['mqtt:'] }, 'servers.0', 'no host'],
  [{ servers: [] }, 'servers', ''],
  [{ topics: [] }, 'topics', ''],
  [{ topics: [{ filter: 'a/#/b', direction: 'out' }] }, 'topics.0.filter', 'not a Topic Filter'],
  [{ topics: [{ filter: 'a', direction: 'away' }] }, 'topics.0.direction', ''],
  [{ tls: { ca: 'ca.pem' } }, 'tls', 'no server begins with mqtts: or wss:'],
  [{ servers: ['mqtts://a'], tls: { cert: 'a.pem' } }, 'tls.key', 'belong together'],
  [{ password: 'a', passwordFile: 'b' }, 'passwordFile', 'set as well'],
  [{ password: 'a', protocolVersion: '3.1.1' }, 'userName', 'no password without a user name'],
  [{ minimumRetryMs: 2_000, maximumRetryMs: 1_000 }, 'minimumRetryMs', 'more than maximumRetryMs'],
  [{ notificationTopic: 'a' }, 'notificationTopic', 'notifications is false'],
  [{ notifications: true, notificationTopic: 'a/#' }, 'notificationTopic', 'no wildcards'],
])('refuses %j', (more, path, message) => {
  const issue = parse(more).error?.issues[0]
  expect(issue?.path.join('.')).toBe(path)
  expect(issue?.message).toContain(message)
})
