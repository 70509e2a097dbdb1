import { describe, expect, it } from 'vitest'
import { takeBridges } from './bridge-options.ts'
import { ConfError, type ConfLine } from './conf-line.ts'
import { Notes } from './notes.ts'

const linesOf = (text: string, file = 'mosquitto.conf'): ConfLine[] =>
  text.split('\n').map((line, index) => {
    const [name = '', ...value] = line.trim().split(' ')
    return { file, line: index + 1, name, value: value.join(' ') }
  })
const take = (text: string, taken: string[] = []) => {
  const notes = new Notes()
  const entries = takeBridges(linesOf(text), new Set(taken), notes)
  return { entries, notes: notes.all.map(({ line, text: why }) => `${line.name}: ${why}`) }
}
const minimal = 'connection up\naddress a.example\ntopic # out 1'
const configOf = (options: string) => take(`${minimal}\n${options}`).entries[0]!.config
const notesOf = (options: string) => take(`${minimal}\n${options}`).notes

it('takes over what a bridge needs, with the defaults of mosquitto', () => {
  expect(take(minimal)).toEqual({
    entries: [
      {
        name: 'up',
        comment: undefined,
        config: {
          servers: ['mqtt://a.example:1883'],
          topics: [{ filter: '#', direction: 'out', qos: 1 }],
          protocolVersion: '3.1.1',
          notifications: true,
        },
      },
    ],
    notes: [],
  })
})

it.each([
  ['a/#', { filter: 'a/#', direction: 'out', qos: 0 }],
  ['a/# in', { filter: 'a/#', direction: 'in', qos: 0 }],
  ['a/# both 2', { filter: 'a/#', direction: 'both', qos: 2 }],
  [
    '# both 2 local/ remote/',
    { filter: '#', direction: 'both', qos: 2, localPrefix: 'local/', remotePrefix: 'remote/' },
  ],
  ['# in 1 "" remote/', { filter: '#', direction: 'in', qos: 1, remotePrefix: 'remote/' }],
  ['"" out 0 here there', { filter: '', direction: 'out', qos: 0, localPrefix: 'here', remotePrefix: 'there' }],
])('topic %s', (topic, expected) => {
  const { entries } = take(`connection up\naddress a\ntopic ${topic}`)
  expect(entries[0]!.config['topics']).toEqual([expected])
})

it.each([
  ['remote_clientid c', { clientId: 'c' }],
  ['clientid c\nusername u\npassword p w', { clientId: 'c', userName: 'u', password: 'p w' }],
  ['remote_username u\nremote_password p', { userName: 'u', password: 'p' }],
  ['cleansession true', { cleanStart: true }],
  ['keepalive_interval 30', { keepAliveSeconds: 30 }],
  ['restart_timeout 5 30', { minimumRetryMs: 5_000, maximumRetryMs: 30_000 }],
  ['bridge_protocol_version mqttv50', { protocolVersion: '5.0' }],
  ['try_private false', { tryPrivate: false }],
  ['notification_topic state', { notifications: true, notificationTopic: 'state' }],
  ['bridge_max_packet_size 2000', { maximumPacketSize: 2_000 }],
  ['address b:1 c:2', { servers: ['mqtt://b:1', 'mqtt://c:2'] }],
  ['address [::1]:1884', { servers: ['mqtt://[::1]:1884'] }],
  ['bridge_cafile ca.crt', { servers: ['mqtts://a.example:1883'], tls: { ca: 'ca.crt' } }],
  [
    'bridge_cafile ca.crt\nbridge_certfile c.crt\nbridge_keyfile c.key\nbridge_tls_version tlsv1.3',
    { tls: { ca: 'ca.crt', cert: 'c.crt', key: 'c.key', minimumVersion: 'TLSv1.3' } },
  ],
  ['start_type automatic', {}],
  ['bridge_max_packet_size 0', {}],
  ['restart_timeout 5 0', { minimumRetryMs: 5_000, maximumRetryMs: 5_000 }],
  ['local_cleansession false\nround_robin true\nbridge_outgoing_retain true', {}],
  ['bridge_tls_use_os_certs false', { servers: ['mqtt://a.example:1883'] }],
  ['bridge_certfile c.crt\nbridge_keyfile c.key', { tls: { cert: 'c.crt', key: 'c.key' } }],
  ['bridge_cafile ca.crt\nbridge_tls_version tlsv1.2', { tls: { ca: 'ca.crt' } }],
])('%j', (options, expected) => {
  expect(configOf(options)).toMatchObject(expected)
  expect(notesOf(options)).toEqual([])
})

it.each(['notifications false', 'notifications_local_only true'])('%s: the remote broker is not told', (options) => {
  expect(configOf(options)).not.toHaveProperty('notifications')
})

it.each([
  ['start_type lazy', 'start_type: a bridge connects'],
  ['restart_timeout 5', 'restart_timeout: each time is random'],
  ['keepalive_interval 1', 'keepalive_interval: `keepAliveSeconds` is from 5'],
  ['local_username u', 'local_username: no rules hold'],
  ['idle_timeout 60', 'idle_timeout: it is for bridges'],
  ['bridge_bind_address 192.0.2.1', 'bridge_bind_address: the operating system'],
  ['bridge_cafile a\nbridge_insecure true', 'bridge_insecure: the name in the certificate'],
  ['bridge_capath /etc/ssl', 'bridge_capath: put the certificates'],
  ['local_cleansession true', 'local_cleansession: `cleanStart` is for the sessions at both brokers'],
  ['round_robin false', 'round_robin: the first address is not returned to'],
  ['bridge_outgoing_retain false', 'bridge_outgoing_retain: retained messages stay retained'],
  ['bridge_protocol_version mqttv31', 'bridge_protocol_version: MQTT 3.1.1 is the oldest version'],
  ['topic broker/# in 0 $SYS/', 'topic: topics that begin with $ belong to the broker'],
  ['bridge_insecure true', 'bridge_insecure: this has no effect without bridge_cafile'],
  ['bridge_tls_use_os_certs true', 'bridge_tls_use_os_certs: the certificate authorities are those of Node'],
  ['bridge_cafile a\nbridge_certfile c', 'bridge_certfile: bridge_certfile and bridge_keyfile belong together'],
  ['bridge_cafile a\nbridge_keyfile k', 'bridge_keyfile: bridge_certfile and bridge_keyfile belong together'],
  ['bridge_cafile a\nbridge_tls_version tlsv1.1', 'bridge_tls_version: TLS 1.2 is the oldest version'],
  ['bridge_cafile a\nbridge_alpn mqtt', 'bridge_alpn: Node chooses'],
  ['bridge_unknown 1', 'bridge_unknown: this option of bridges is not known here'],
])('%j is noted', (options, note) => {
  expect(notesOf(options)).toEqual([expect.stringContaining(note)])
})

it('leaves out a bridge with pre-shared keys: it must not send messages unencrypted', () => {
  const { entries, notes } = take(`${minimal}\nbridge_identity me\nbridge_psk 1234`)
  expect(entries).toEqual([])
  expect(notes).toHaveLength(2)
})

it.each(['connection up\ntopic # out', 'connection up\naddress a'])('leaves out an incomplete bridge: %j', (text) => {
  const { entries, notes } = take(text)
  expect(entries).toEqual([])
  expect(notes).toEqual([expect.stringContaining('is left out')])
})

it('leaves out a bridge without a topic that can be carried', () => {
  const { entries, notes } = take('connection up\naddress a\ntopic $SYS/# both')
  expect(entries).toEqual([])
  expect(notes).toEqual([expect.stringContaining('nothing is taken in there')])
})

it('notes an option of bridges that stands before the first bridge of its file', () => {
  const { entries, notes } = take(`remote_clientid c\n${minimal}`)
  expect(entries[0]!.config).not.toHaveProperty('clientId')
  expect(notes).toEqual(['remote_clientid: it is an option of bridges, and no `connection` is before it'])
})

describe('names', () => {
  it.each([
    ['site.7', [], 'site-7'],
    ['7', [], 'bridge-7'],
    ['broker', ['broker'], 'broker-bridge'],
    ['constructor', [], 'bridge-constructor'],
  ])('%s', (connection, taken, name) => {
    const { entries, notes } = take(minimal.replace('up', connection), taken)
    expect(entries[0]!.name).toBe(name)
    expect(notes).toEqual([expect.stringContaining(`it is named '${name}' here. Set`)])
  })

  it('says nothing of the Client Identifier where mosquitto.conf has it', () => {
    const { notes } = take(`${minimal.replace('up', 'site.7')}\nremote_clientid c`)
    expect(notes).toEqual(["connection: it is named 'site-7' here"])
  })

  it('takes several bridges, each with its own options', () => {
    const { entries } = take(`${minimal}\nconnection down\naddress b\ntopic # in\nremote_clientid other`)
    expect(entries.map(({ name, config }) => [name, config['clientId']])).toEqual([
      ['up', undefined],
      ['down', 'other'],
    ])
  })
})

it.each([
  'topic # away',
  'topic # out 3',
  'topic ""',
  'address a:b:c',
  'address a:0',
  'bridge_protocol_version mqttv6',
  'cleansession maybe',
])('refuses %s', (line) => {
  expect(() => take(`${minimal}\n${line}`)).toThrow(ConfError)
})
