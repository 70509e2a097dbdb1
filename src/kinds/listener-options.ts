import { z } from 'zod'

/** Without the slash at its end `site-1` would lead into the topics of `site-10/`, and the filter `#` would become `site-1#`. */
const isMountPoint = (text: string): boolean => text === '' || /^(?!\$)[^+#\0]*\/$/.test(text)

/** Values that every listener has: the server's own TCP port and every `Transport`. Spread `listenerOptions` into its schema. */
export const listenerOptions = {
  allowAnonymous: z
    .boolean()
    .optional()
    .describe(
      'Whether clients that send no user name and no password are let in. Unset: only if no authenticator and no authentication ' +
        'method is configured, and only on addresses of this machine; a listener on another address does not start then.',
    ),
  authenticators: z
    .array(z.string().min(1))
    .optional()
    .describe('Names of the authenticators that clients of this listener are checked by, in this order. Unset: all.'),
  protocolVersions: z
    .array(z.union([z.literal('3.1'), z.literal('3.1.1'), z.literal('5.0')]))
    .min(1)
    .optional()
    .describe('MQTT versions that are accepted. Unset: all.'),
  mountPoint: z
    .string()
    .max(1_024)
    .refine(isMountPoint, 'must end with a slash, must not begin with $, and must hold no +, # or NUL')
    .default('')
    .describe(
      'A prefix, `site-1/`, that is put before every topic and Topic Filter of the clients of this listener, and removed again ' +
        'towards them.',
    ),
  maximumConnections: z
    .int()
    .min(1)
    .max(1_000_000)
    .optional()
    .describe('Connections of this listener at the same time. Unset: no limit of its own.'),
  maximumQoS: z
    .union([z.literal(0), z.literal(1), z.literal(2)])
    .optional()
    .describe('The highest QoS for clients of this listener. Unset: that of `mqttHandler`.'),
  maximumPacketSize: z
    .int()
    .min(40)
    .max(268_435_460)
    .optional()
    .describe('The largest packet taken from clients of this listener, in bytes. Unset: that of `mqttDecoder`.'),
  topicAliasMaximum: z
    .int()
    .min(0)
    .max(65_535)
    .optional()
    .describe('Topic Aliases that clients of this listener may use. Unset: that of `mqttHandler`.'),
}

const schema = z.object(listenerOptions)

/** The options of a listener as its connections have them (`Connection.listener`). */
export type ListenerOptions = Readonly<z.output<typeof schema>>

/** The options of a listener that sets none. */
export const DEFAULT_LISTENER_OPTIONS: ListenerOptions = Object.freeze(schema.parse({}))

/** The options of a listener out of its config, which may hold secrets beside them. */
export const pickListenerOptions = (config: ListenerOptions): ListenerOptions => schema.parse(config)
