/** The same ACL file for the real mosquitto and for `acl-file`: what clients may publish, receive and leave as a Will. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { aclFile } from '../../components/acl-file/index.ts'
import { type Broker, quietSystem, startBroker } from '../helpers/start-broker.ts'
import { endPrograms, run } from './program.ts'

const ACL = `# Clients without a user name
topic read public/#
topic write inbox

user admin
topic readwrite #
topic read $SYS/#
topic readwrite $SYS/mine/#

user ann
topic deny own/secret/#
topic own/#
topic read shared/+/state
topic write shared/+/set
topic readwrite with space/a
topic literal/%u
topic deny patterns/all/closed
topic patterns/user/wins
pattern readwrite devices/%c/#
pattern read users/%u/#
pattern write users/%u/set
pattern deny patterns/#
pattern read patterns/all/#

user bob
topic deny deep/a
user ann
topic read later
user bob
topic deep/#
`

const CLIENTS = [
  { clientId: 'c1' },
  { clientId: 'c1', username: 'ann' },
  { clientId: 'c2', username: 'bob' },
  { clientId: 'c3', username: 'nobody' },
  { clientId: '+', username: 'ann' },
  { clientId: '#', username: 'bob' },
  { clientId: 'c4', username: '+' },
  { clientId: 'c5', username: '#' },
] as const

const TOPICS = [
  ...['public/a', 'public', 'inbox', 'own/a', 'own', 'own/secret', 'own/secret/a', 'shared/x/state', 'shared/x/set'],
  ...['shared/x/y/state', 'with space/a', 'literal/ann', 'literal/%u', 'devices/c1', 'devices/c1/a', 'devices/c2/a'],
  ...['devices/x/a', 'users/ann/a', 'users/ann/set', 'users/bob/set', 'users/x/set', 'patterns/all/closed'],
  ...['patterns/user/wins', 'patterns/all/open', 'later', 'deep/a', 'deep/b', 'elsewhere', '/', 'own//a'],
]

type Dial = () => Socket
const plain = { qos: 0, retain: false } as const
let folder: string
let ours: Broker
let dials: Readonly<Record<'mosquitto' | 'mqtt-jig', Dial>>
const clients: MqttClient[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mqtt-jig-acl-'))
  const [file, socket, config] = ['acl', 'socket', 'mosquitto.conf'].map((name) => join(folder, name)) as [
    ...[string, string, string],
  ]
  await writeFile(file, ACL)
  const lines = [`listener 0 ${socket}`, 'allow_anonymous true', 'user root', `acl_file ${file}`, 'log_dest stdout']
  await writeFile(config, lines.join('\n'))
  const program = run('stdbuf', ['-oL', 'mosquitto', '-c', config])
  await program.line(/mosquitto version .* running/)
  ours = await startBroker({
    ...quietSystem,
    acl: { component: aclFile, config: { file }, dependencies: { logger: 'logger' } },
    broker: { ...quietSystem.broker, dependencies: { ...quietSystem.broker.dependencies, authorizers: ['acl'] } },
  })
  dials = {
    mosquitto: () => connect(socket),
    'mqtt-jig': () => connect({ host: '127.0.0.1', port: ours.port, noDelay: true }),
  }
})
afterAll(async () => {
  for (const client of clients) client.end(true)
  await ours?.stop()
  await endPrograms()
  await rm(folder, { recursive: true })
})

/** @returns undefined when it is refused. */
const open = async (dial: Dial, options: IClientOptions): Promise<MqttClient | undefined> => {
  const client = new mqtt.MqttClient(dial, { protocolVersion: 4, reconnectPeriod: 0, ...options })
  client.on('error', () => undefined)
  clients.push(client)
  await new Promise<void>((decided) => client.once('connect', () => decided()).once('close', () => decided()))
  return client.connected ? client : undefined
}

/** Everything that came before has arrived when a packet is answered. A subscription that is refused is answered as well. */
const settled = async (client: MqttClient): Promise<void> => {
  await client.subscribeAsync('settled').catch(() => undefined)
}

/** What one client may do on each topic: `w` publish, `r` receive, `t` receive what is retained, `W` publish as a Will. */
const rightsOf = async (dial: Dial, identity: IClientOptions): Promise<Record<string, string>> => {
  const rights = new Map(TOPICS.map((topic) => [topic, '']))
  const note = (topic: string, right: string) => rights.set(topic, `${rights.get(topic) ?? ''}${right}`)
  const admin = (await open(dial, { clientId: 'admin', username: 'admin' }))!
  admin.on('message', (topic, payload) => {
    if (payload.toString() === 'up') note(topic, 'w')
    if (payload.toString() === 'gone') note(topic, 'W')
  })
  await admin.subscribeAsync('#', { qos: 1 })
  const client = (await open(dial, identity))!
  for (const topic of TOPICS) await client.publishAsync(topic, 'up', { qos: 1 })
  await settled(admin)
  client.on('message', (topic, payload, { retain }) => payload.toString() === 'down' && note(topic, retain ? 't' : 'r'))
  await client.subscribeAsync('#', { qos: 1 }).catch(() => undefined)
  for (const topic of TOPICS) await admin.publishAsync(topic, 'down', { qos: 1 })
  await settled(client)
  await client.unsubscribeAsync('#')
  for (const topic of TOPICS) await admin.publishAsync(topic, 'down', { qos: 1, retain: true })
  await client.subscribeAsync('#', { qos: 1 }).catch(() => undefined)
  await settled(client)
  for (const topic of TOPICS) await admin.publishAsync(topic, '', { qos: 1, retain: true })
  await client.endAsync()
  for (const topic of TOPICS) await open(dial, { ...identity, will: { topic, payload: Buffer.from('gone'), ...plain } })
  // Each connection takes over from the one before, whose Will is published before it is answered.
  await (await open(dial, identity))?.endAsync()
  await settled(admin)
  await admin.endAsync()
  return Object.fromEntries(rights)
}

describe('with one ACL file mosquitto and acl-file give the same rights', () => {
  test.each(CLIENTS)('to $clientId, user $username', async (identity) => {
    const expected = await rightsOf(dials.mosquitto, identity)
    expect(await rightsOf(dials['mqtt-jig'], identity)).toEqual(expected)
  })

  test('which are those that are meant', async () => {
    const ann = await rightsOf(dials['mqtt-jig'], { clientId: 'c1', username: 'ann' })
    expect(ann).toMatchObject({
      ...{ 'own/a': 'wrtW', 'own/secret': '', 'shared/x/state': 'rt', 'shared/x/set': 'wW', 'devices/c1/a': 'wrtW' },
      ...{ 'devices/c2/a': '', 'users/ann/set': 'wrtW', 'users/ann/a': 'rt', elsewhere: '', later: 'rt' },
    })
  })

  test('but for a slash in a name, with which mosquitto lets a client into the topics of others', async () => {
    const identity = { clientId: 'c2/a', username: 'ann' }
    const [theirs, own] = [await rightsOf(dials.mosquitto, identity), await rightsOf(dials['mqtt-jig'], identity)]
    expect([theirs['devices/c2/a'], own['devices/c2/a']]).toEqual(['wrtW', ''])
  })
})
