/** The options that pub, sub and bench share: where the broker is, and who connects. */

import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { QoS } from 'mqtt-packet'
import {
  type BrokerUrl,
  type ClientOptions,
  parseBrokerUrl,
  type Target,
  type TlsOptions,
  targetOfUrl,
  type Will,
} from '../client/index.ts'
import { MAXIMUM_PACKET_SIZE } from '../mqtt/fixed-header.ts'
import { readPassword } from '../terminal/read-password.ts'
import { type CommandOptions, type OptionValues, UsageError } from './arguments.ts'
import type { CommandContext } from './command-context.ts'
import { type PropertyArguments, readProperties } from './property-arguments.ts'
import { CommandError, clientExitCodes } from './run-command.ts'

export const CONNECTION_OPTIONS: CommandOptions = {
  url: {
    type: 'string',
    short: 'L',
    value: 'URL',
    description:
      'the broker: mqtt://, mqtts://, ws://, wss://user:password@host:port/, or unix:///path; with mqtt(s) a topic may follow',
  },
  host: { type: 'string', short: 'h', value: 'HOST', description: 'its host; 127.0.0.1 unless given' },
  port: { type: 'string', short: 'p', value: 'PORT', description: 'its port; 1883, or 8883 with TLS, unless given' },
  unix: { type: 'string', value: 'PATH', description: 'its Unix domain socket' },
  username: { type: 'string', short: 'u', value: 'NAME', description: 'the user name' },
  pw: {
    type: 'string',
    short: 'P',
    value: 'PASSWORD',
    description: 'the password; other users of this machine can see it: use one of the next',
  },
  'password-file': { type: 'string', value: 'FILE', description: 'the file whose first line is the password' },
  'ask-password': {
    type: 'boolean',
    description: 'ask for the password; the variable MQTT_JIG_PASSWORD is another way',
  },
  id: { type: 'string', short: 'i', value: 'ID', description: 'the Client Identifier; a random one unless given' },
  'disable-clean-session': {
    type: 'boolean',
    short: 'c',
    description:
      'keep the session: the broker stores it, with messages for it, until the client comes again; needs --id',
  },
  keepalive: { type: 'string', short: 'k', value: 'SECONDS', description: 'Keep Alive; 60 unless given' },
  'protocol-version': {
    type: 'string',
    short: 'V',
    value: 'VERSION',
    description: '5 (mqttv5), 311 (mqttv311) or 31 (mqttv31); 5 unless given',
  },
  'session-expiry-interval': {
    type: 'string',
    short: 'x',
    value: 'SECONDS',
    description: 'how long the session outlives the connection; 4294967295 is for ever',
  },
  property: {
    type: 'string',
    short: 'D',
    value: 'COMMAND NAME VALUE',
    isRepeatable: true,
    description: 'a property of MQTT 5.0: --property publish content-type text/plain',
  },
  'will-topic': { type: 'string', value: 'TOPIC', description: 'the topic of the Will' },
  'will-payload': { type: 'string', value: 'TEXT', description: 'its payload; empty unless given' },
  'will-qos': { type: 'string', value: 'QOS', description: 'its QoS; 0 unless given' },
  'will-retain': { type: 'boolean', description: 'retain the Will' },
  cafile: {
    type: 'string',
    value: 'FILE',
    description: 'the certificate authority that the broker is checked with; turns TLS on',
  },
  tls: { type: 'boolean', description: 'use TLS with the certificate authorities of Node' },
  cert: { type: 'string', value: 'FILE', description: 'the certificate of the client' },
  key: { type: 'string', value: 'FILE', description: 'its private key' },
  'server-name': {
    type: 'string',
    value: 'NAME',
    description: 'the name in the certificate of the broker, if it is not the host',
  },
  insecure: { type: 'boolean', description: 'accept any certificate: the broker may be another one' },
  'connect-timeout': {
    type: 'string',
    value: 'SECONDS',
    description: 'how long the broker may take to answer; 30 unless given',
  },
  'no-reconnect': { type: 'boolean', description: 'end when the connection is lost, instead of connecting again' },
}

/** What the connection options say. */
export interface Connecting {
  readonly options: ClientOptions
  readonly properties: PropertyArguments
  /** Of the URL. */
  readonly topic: string | undefined
  /** Whether the session was only kept for the time that connecting again takes: it is ended with the client. */
  readonly endsSession: boolean
}

/** Session Expiry Interval of a client whose session is to outlive a lost connection, but not the client. */
const RECONNECT_SECONDS = 30
const NEVER_EXPIRES = 0xffff_ffff

/**
 * Reads the options; asks for the password.
 * @throws UsageError, and CommandError when a file cannot be read.
 */
export const connectionOf = async (values: OptionValues, context: CommandContext): Promise<Connecting> => {
  const url = urlOf(values)
  const properties = readProperties(values.properties)
  const protocolVersion = versionOf(values.text('protocol-version') ?? '5')
  if (protocolVersion !== 5 && (values.properties.length > 0 || values.text('session-expiry-interval') !== undefined)) {
    throw new UsageError('Properties exist from MQTT 5.0 on: leave out --protocol-version.')
  }
  const keepsSession = values.has('disable-clean-session')
  if (keepsSession && values.text('id') === undefined) throw new UsageError('--disable-clean-session needs --id.')
  const canReconnect = !values.has('no-reconnect')
  const expiry = values.text('session-expiry-interval')
  const endsSession = protocolVersion === 5 && !keepsSession && expiry === undefined && canReconnect
  const sessionExpiryInterval =
    expiry === undefined
      ? keepsSession
        ? NEVER_EXPIRES
        : endsSession
          ? RECONNECT_SECONDS
          : 0
      : values.integer('session-expiry-interval', 0, 0, NEVER_EXPIRES)
  const will = willOf(values, properties)
  const password = await passwordOf(values, url, context)
  const options: ClientOptions = {
    target: targetOf(values, url),
    protocolVersion,
    clientId: values.text('id') ?? `mqtt-jig-${randomBytes(6).toString('hex')}`,
    cleanStart: !keepsSession,
    keepAliveSeconds: values.integer('keepalive', 60, 0, 65_535),
    userName: values.text('username') ?? url?.userName,
    password,
    will,
    ...(protocolVersion === 5 ? { properties: { sessionExpiryInterval, ...properties.connect } } : {}),
    connectTimeoutMs: values.number('connect-timeout', 30, 0.001, 86_400) * 1000,
    maximumPacketSize: Number(properties.connect?.['maximumPacketSize'] ?? MAXIMUM_PACKET_SIZE),
  }
  return { options, properties, topic: url?.topic, endsSession }
}

/** Properties of DISCONNECT: a session that was kept only to connect again is ended. */
export const disconnectProperties = (endsSession: boolean, { properties }: Connecting) =>
  endsSession ? { sessionExpiryInterval: 0, ...properties.disconnect } : properties.disconnect
const urlOf = (values: OptionValues): BrokerUrl | undefined => {
  const text = values.text('url')
  if (text === undefined) return undefined
  const url = parseBrokerUrl(text)
  if (url === undefined) {
    throw new UsageError('--url is no URL of a broker, which begins with mqtt://, mqtts://, ws://, wss:// or unix://.')
  }
  for (const name of ['host', 'port', 'unix']) {
    if (values.text(name) !== undefined) throw new UsageError(`Give either --url or --${name}.`)
  }
  return url
}

const targetOf = (values: OptionValues, url: BrokerUrl | undefined): Target => {
  const tls: TlsOptions = {
    ca: fileOf(values, 'cafile'),
    cert: fileOf(values, 'cert'),
    key: fileOf(values, 'key'),
    insecure: values.has('insecure'),
    serverName: values.text('server-name'),
  }
  if ((tls.cert === undefined) !== (tls.key === undefined)) throw new UsageError('Give --cert and --key together.')
  const wantsTls = values.has('tls') || values.has('insecure') || tls.ca !== undefined || tls.cert !== undefined
  if (url !== undefined) {
    if (wantsTls && url.scheme !== 'mqtts' && url.scheme !== 'wss') {
      throw new UsageError(`The options of TLS need a URL with mqtts:// or wss://, not ${url.scheme}://.`)
    }
    return targetOfUrl(url, tls)
  }
  const path = values.text('unix')
  if (path !== undefined) return { transport: 'unix', path }
  const host = values.text('host') ?? '127.0.0.1'
  const port = values.integer('port', wantsTls ? 8883 : 1883, 1, 65_535)
  return wantsTls ? { transport: 'tls', host, port, tls } : { transport: 'tcp', host, port }
}

const fileOf = (values: OptionValues, name: string): string | undefined => {
  const path = values.text(name)
  return path === undefined ? undefined : readText(path)
}

const readText = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new CommandError(clientExitCodes.failed, `${path} cannot be read: ${(error as Error).message}`)
  }
}

const passwordOf = async (
  values: OptionValues,
  url: BrokerUrl | undefined,
  { stdin, stderr, environment }: CommandContext,
): Promise<Buffer | undefined> => {
  const file = values.text('password-file')
  let password = values.text('pw') ?? (file === undefined ? undefined : readText(file).split(/\r?\n/, 1)[0])
  if (password === undefined && values.has('ask-password')) {
    password = await readPassword(stdin, stderr, { isNew: false })
    if (password === undefined) throw new CommandError(clientExitCodes.failed, 'There is no password.')
  }
  password ??= url?.password ?? environment['MQTT_JIG_PASSWORD']
  return password === undefined ? undefined : Buffer.from(password)
}

const VERSIONS: Readonly<Record<string, 3 | 4 | 5>> = { 31: 3, mqttv31: 3, 311: 4, mqttv311: 4, 5: 5, mqttv5: 5 }

const versionOf = (text: string): 3 | 4 | 5 => {
  if (Object.hasOwn(VERSIONS, text)) return VERSIONS[text]!
  throw new UsageError(`--protocol-version ${text}: the versions are 31, 311 and 5.`)
}

const willOf = (values: OptionValues, properties: PropertyArguments): Will | undefined => {
  const topic = values.text('will-topic')
  if (topic === undefined) {
    for (const name of ['will-payload', 'will-qos']) {
      if (values.text(name) !== undefined) throw new UsageError(`--${name} needs --will-topic.`)
    }
    if (values.has('will-retain') || properties.will !== undefined) throw new UsageError('A Will needs --will-topic.')
    return undefined
  }
  return {
    topic,
    payload: Buffer.from(values.text('will-payload') ?? ''),
    qos: values.integer('will-qos', 0, 0, 2) as QoS,
    retain: values.has('will-retain'),
    ...(properties.will === undefined ? {} : { properties: properties.will }),
  }
}
