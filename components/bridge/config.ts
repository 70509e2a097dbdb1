import { z } from 'zod'
import { problemOfTopic } from './topic-map.ts'

const server = z.string().transform((text, context): BridgeServer => {
  const fail = (message: string): never => {
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  }
  if (!URL.canParse(text)) return fail('it is not a URL, such as mqtts://broker.example:8883')
  const { protocol, hostname, port, username, password, pathname, search, hash } = new URL(text)
  const defaults = SCHEMES.get(protocol)
  if (defaults === undefined) return fail('it begins with neither mqtt:, mqtts:, ws: nor wss:')
  if (username !== '' || password !== '')
    return fail('it holds a user name or a password: use userName and passwordFile')
  if (hostname === '') return fail('it has no host')
  const { isTls, isWeb } = defaults
  const isPlain = pathname === '' || pathname === '/'
  if ((!isPlain && !isWeb) || search !== '' || hash !== '')
    return fail(`something follows the ${isWeb ? 'path' : 'port'}`)
  const host = hostname.replace(/^\[|\]$/g, '')
  return { host, port: port === '' ? defaults.port : Number(port), isTls, path: isWeb ? pathname : undefined }
})

const SCHEMES: ReadonlyMap<string, { readonly port: number; readonly isTls: boolean; readonly isWeb: boolean }> =
  new Map([
    ['mqtt:', { port: 1883, isTls: false, isWeb: false }],
    ['mqtts:', { port: 8883, isTls: true, isWeb: false }],
    ['ws:', { port: 80, isTls: false, isWeb: true }],
    ['wss:', { port: 443, isTls: true, isWeb: true }],
  ])

/** Where a remote broker is. */
export interface BridgeServer {
  readonly host: string
  readonly port: number
  readonly isTls: boolean
  /** Of a WebSocket; undefined for TCP and TLS. */
  readonly path: string | undefined
}

const file = z.string().min(1)
const prefix = z.string().max(1_024).default('')

const topic = z
  .strictObject({
    filter: z
      .string()
      .max(65_535)
      .describe('The Topic Filter, without the prefixes. Empty: the prefixes are a topic each.'),
    direction: z
      .enum(['out', 'in', 'both'])
      .describe('`out`: messages of this broker go to the remote one. `in`: the other way. `both`: both.'),
    qos: z.literal([0, 1, 2]).default(1).describe('The highest QoS of a message that is carried.'),
    localPrefix: prefix.describe('What the topics begin with at this broker, before the filter.'),
    remotePrefix: prefix.describe('What they begin with at the remote broker.'),
  })
  .superRefine((value, context) => {
    const problem = problemOfTopic(value)
    if (problem !== undefined) context.addIssue({ code: 'custom', path: [problem.path], message: problem.message })
  })

const tls = z
  .strictObject({
    ca: z
      .union([file, z.array(file).min(1)])
      .optional()
      .describe('Files with the certificate authorities of the remote broker. Unset: those of Node.'),
    cert: file.optional().describe('File with the certificate that the bridge shows.'),
    key: file.optional().describe('File with its private key.'),
    passphrase: z.string().min(1).optional().describe('Decrypts `key`.'),
    serverName: z
      .string()
      .min(1)
      .optional()
      .describe('The name that the certificate of the remote broker must have. Unset: the host of the server.'),
    minimumVersion: z.enum(['TLSv1.2', 'TLSv1.3']).default('TLSv1.2').describe('The oldest version of TLS.'),
  })
  .superRefine(({ cert, key }, context) => {
    if ((cert === undefined) === (key === undefined)) return
    context.addIssue({
      code: 'custom',
      path: [cert === undefined ? 'cert' : 'key'],
      message: 'cert and key belong together',
    })
  })

export const bridgeConfig = z
  .strictObject({
    servers: z
      .array(server)
      .min(1)
      .max(16)
      .describe(
        'The remote broker, `mqtt://host:1883` or `mqtts://host:8883`; over WebSocket `ws://host:80/path` or `wss://host:443/path`. Of ' +
          'several, each is tried in its turn.',
      ),
    topics: z.array(topic).min(1).max(1_000).describe('What is carried, and in which direction.'),
    clientId: z
      .string()
      .min(1)
      .max(65_535)
      .optional()
      .describe(
        'The Client Identifier at the remote broker. Unset: the name of this machine, a dot, the name of the component.',
      ),
    protocolVersion: z
      .enum(['3.1.1', '5.0'])
      .default('5.0')
      .describe('The version of MQTT that the remote broker is asked for.'),
    userName: z.string().max(65_535).optional().describe('The user at the remote broker.'),
    password: z.string().max(65_535).optional().describe('Its password. `passwordFile` keeps it out of the config.'),
    passwordFile: file
      .optional()
      .describe('File with the password, read for each connection. A line end at its end is removed.'),
    cleanStart: z
      .boolean()
      .default(false)
      .describe('Whether both sessions end with the connection: what is published during an outage is lost.'),
    sessionExpirySeconds: z
      .int()
      .min(1)
      .max(0xffff_ffff)
      .default(2_592_000)
      .describe('How long both sessions keep messages while there is no connection. 4294967295 means for ever.'),
    keepAliveSeconds: z
      .int()
      .min(5)
      .max(65_535)
      .default(60)
      .describe('Keep Alive: the longest silence, and how often the remote broker is asked whether it is there.'),
    connectTimeoutMs: z
      .int()
      .min(100)
      .max(600_000)
      .default(10_000)
      .describe('How long a connection may take, CONNACK included, and each further answer until messages flow.'),
    minimumRetryMs: z
      .int()
      .min(10)
      .max(3_600_000)
      .default(1_000)
      .describe('The time before the first attempt to connect again. It doubles with each further one.'),
    maximumRetryMs: z.int().min(10).max(86_400_000).default(60_000).describe('The longest such time.'),
    maximumInflight: z
      .int()
      .min(1)
      .max(65_535)
      .optional()
      .describe(
        'Messages at QoS 1 and 2 that are not acknowledged, in each direction, at most the Receive Maximum of the remote broker. Unset: ' +
          '100, and 20 with MQTT 3.1.1, which has no Receive Maximum: mosquitto then takes 20.',
      ),
    maximumSendAttempts: z
      .int()
      .min(0)
      .max(1_000)
      .default(10)
      .describe(
        'How many connections in a row the remote broker may end while the same message, alone, waits for its acknowledgement. Then ' +
          'the message is dropped. A message from the remote broker that is too large or not legal is dropped, too, when so many ' +
          'connections in a row have ended for it. 0: never, and everything behind it waits.',
      ),
    maximumPacketSize: z
      .int()
      .min(1_024)
      .max(268_435_460)
      .default(16_777_216)
      .describe('The largest packet that is taken from the remote broker, in bytes.'),
    maximumPendingBytes: z
      .int()
      .min(16_384)
      .max(2 ** 30)
      .default(1_048_576)
      .describe(
        'Bytes that wait to be sent to the remote broker. Beyond that messages wait, at QoS 0 they are dropped.',
      ),
    tryPrivate: z
      .boolean()
      .default(true)
      .describe(
        'MQTT 3.1.1: whether the remote broker is asked not to send back what it got from this bridge, as bridges of mosquitto ask.',
      ),
    notifications: z
      .boolean()
      .default(false)
      .describe('Whether the remote broker has the state of the bridge as a retained message, 1 or 0.'),
    notificationTopic: z
      .string()
      .min(1)
      .max(65_535)
      .optional()
      .describe('Its topic there. Unset: `$SYS/broker/connection/CLIENTID/state`.'),
    hops: z
      .boolean()
      .default(true)
      .describe(
        'MQTT 5: whether each message names the brokers that it came through, so that it passes none of them twice.',
      ),
    maximumHops: z
      .int()
      .min(1)
      .max(100)
      .default(16)
      .describe('A message that came through so many brokers is not carried any further.'),
    brokerId: z
      .string()
      .min(1)
      .max(256)
      .optional()
      .describe('The name of this broker among the hops. Unset: one that the process makes.'),
    localUserName: z
      .string()
      .min(1)
      .max(65_535)
      .optional()
      .describe(
        'The user whose rules decide what the bridge may read and publish at this broker. Unset: only `topics` decides.',
      ),
    tls: tls.optional().describe('TLS with servers that begin with `mqtts:` or `wss:`.'),
  })
  .superRefine((config, context) => {
    const problem = (path: string, message: string): void => context.addIssue({ code: 'custom', path: [path], message })
    const { servers, tls, password, passwordFile, userName, minimumRetryMs, maximumRetryMs, protocolVersion } = config
    if (tls !== undefined && !servers.some(({ isTls }) => isTls))
      problem('tls', 'without effect: no server begins with mqtts: or wss:')
    if (password !== undefined && passwordFile !== undefined) problem('passwordFile', 'password is set as well')
    const hasPassword = password !== undefined || passwordFile !== undefined
    if (hasPassword && userName === undefined && protocolVersion === '3.1.1')
      problem('userName', 'missing: MQTT 3.1.1 has no password without a user name')
    if (minimumRetryMs > maximumRetryMs) problem('minimumRetryMs', 'more than maximumRetryMs')
    if (config.notificationTopic !== undefined && !config.notifications)
      problem('notificationTopic', 'without effect: notifications is false')
    if (config.notificationTopic !== undefined && /[+#]/.test(config.notificationTopic))
      problem('notificationTopic', 'a topic has no wildcards')
  })

export type BridgeConfig = z.output<typeof bridgeConfig>
export type BridgeTls = NonNullable<BridgeConfig['tls']>
