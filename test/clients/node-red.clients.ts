/** Node-RED without its editor: a flow with MQTT nodes on each listener. */

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { RealClient } from '../helpers/mqtt-js.ts'
import { endPrograms, run } from '../smoke/program.ts'
import { installFromNpm, type NpmFolder, UNREACHABLE_REGISTRY } from './npm-clients.ts'
import { type ListenerName, SecuredBroker, USER } from './secured-broker.ts'

const LISTENERS: readonly ListenerName[] = ['tcp', 'tls', 'mutualTls', 'ws', 'wss']
const VERSIONS = [3, 4, 5] as const
const CASES = LISTENERS.flatMap((listener) => VERSIONS.map((version) => ({ listener, version })))

let broker: SecuredBroker
let folder: NpmFolder | undefined
let client: RealClient

/** The nodes of a flow that answers each message on `red/ID/in` with one on `red/ID/out`, through one listener. */
const nodes = (listener: ListenerName, version: number): object[] => {
  const id = `${listener}-${version}`
  const isTls = listener !== 'tcp' && listener !== 'ws'
  const common = { z: 'flow', broker: `broker-${id}`, qos: '2' }
  return [
    {
      ...{ id: `broker-${id}`, type: 'mqtt-broker', broker: broker.url(listener), port: '', clientid: `red-${id}` },
      ...{ autoConnect: true, usetls: isTls, tls: isTls ? `tls-${listener}` : '', protocolVersion: String(version) },
      ...{ keepalive: '60', cleansession: true, autoUnsubscribe: true, birthTopic: '', closeTopic: '', willTopic: '' },
    },
    { ...common, id: `in-${id}`, type: 'mqtt in', topic: `red/${id}/in`, datatype: 'utf8', wires: [[`change-${id}`]] },
    {
      ...{ id: `change-${id}`, type: 'change', z: 'flow', wires: [[`out-${id}`]] },
      rules: [{ t: 'set', p: 'payload', pt: 'msg', to: `"${id} got " & payload`, tot: 'jsonata' }],
    },
    { ...common, id: `out-${id}`, type: 'mqtt out', topic: `red/${id}/out`, retain: 'false', wires: [] },
  ]
}

const tlsNode = (listener: ListenerName): object => {
  const { ca, cert, key } = broker.clientFiles
  const own = listener === 'mutualTls' ? { cert, key } : { cert: '', key: '' }
  return { id: `tls-${listener}`, type: 'tls-config', ...own, ca, verifyservercert: true, servername: 'localhost' }
}

/** Writes the folder of a Node-RED user. @returns its path. */
const writeUserFolder = (): string => {
  const path = join(broker.files.folder, 'node-red')
  mkdirSync(path)
  const flow = [
    { id: 'flow', type: 'tab', label: 'MQTT' },
    ...(['tls', 'mutualTls', 'wss'] as const).map(tlsNode),
    ...CASES.flatMap(({ listener, version }) => nodes(listener, version)),
  ]
  const login = { user: USER.name, password: USER.password }
  const credentials = CASES.map(({ listener, version }) => [`broker-${listener}-${version}`, login])
  writeFileSync(join(path, 'flows.json'), JSON.stringify(flow))
  writeFileSync(join(path, 'flows_cred.json'), JSON.stringify(Object.fromEntries(credentials)))
  // Without the editor and HTTP nodes it opens no port. Without a secret it reads plain credentials.
  const settings = { flowFile: 'flows.json', credentialSecret: false, httpAdminRoot: false, httpNodeRoot: false }
  const quiet = { telemetry: { enabled: false, updateNotification: false }, logging: { console: { level: 'warn' } } }
  writeFileSync(join(path, 'settings.js'), `module.exports = ${JSON.stringify({ ...settings, ...quiet })}\n`)
  return path
}

beforeAll(async () => {
  broker = await SecuredBroker.start()
  folder = await installFromNpm('node-red')
  if (folder === undefined) return
  const user = writeUserFolder()
  client = await RealClient.connect(broker.port('tcp'), 5, { username: USER.name, password: USER.password })
  await client.mqtt.subscribeAsync('red/+/out', { qos: 2 })
  run('node', ['node_modules/node-red/red.js', '-u', user, '-s', join(user, 'settings.js')], { cwd: folder.path })
})
afterAll(async () => {
  client?.mqtt.end(true)
  await endPrograms()
  folder?.remove()
  await broker?.stop()
})

test.for(CASES)('Node-RED publishes and receives over $listener, version $version', async (entry, { skip }) => {
  if (folder === undefined) skip(UNREACHABLE_REGISTRY)
  const id = `${entry.listener}-${entry.version}`
  // Retained, so that it arrives whenever Node-RED subscribes.
  await client.mqtt.publishAsync(`red/${id}/in`, 'hello', { qos: 2, retain: true })
  expect(await client.next()).toMatchObject({ topic: `red/${id}/out`, payload: `${id} got hello`, qos: 2 })
  expect(broker.linesAbout(`red-${id}`)[0]).toContain(`user ${USER.name}`)
  const commonName = entry.listener === 'mutualTls' ? 'device-1' : undefined
  expect(broker.peerOf(`red-${id}`)?.tls?.commonName).toBe(commonName)
})
