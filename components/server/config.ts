import { z } from 'zod'
import { listenerOptions } from '../../src/kinds/listener-options.ts'
import { addressRange } from '../../src/network/address-list.ts'
import { socketOptions } from '../../src/network/tcp-options.ts'

// `maximumConnections` of the server is for all listeners together.
const { maximumConnections: _forOneListener, ...ownListener } = listenerOptions

/** The limits of each address that connects. */
const addresses = {
  maximumConnectionsPerAddress: z
    .int()
    .min(1)
    .max(1_000_000)
    .optional()
    .describe(
      'Connections of one address at the same time; the addresses of a /64 network of IPv6 are one. Further ones are refused. ' +
        'Unset: half of `maximumConnections`.',
    ),
  connectRate: z
    .number()
    .positive()
    .max(1_000_000)
    .nullable()
    .default(200)
    .describe(
      'New connections of one address in a second, once its burst is used up. Further ones are refused before a byte is read. ' +
        '`null`: no limit.',
    ),
  connectBurst: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(5_000)
    .describe('New connections of one address at once, for example when all devices behind a router reconnect.'),
  banAfterFailures: z
    .int()
    .min(1)
    .max(1_000_000)
    .nullable()
    .default(100)
    .describe(
      'Failed authentications of one address after which it is banned. `null`: no bans but those by operators.',
    ),
  failureDecaySeconds: z
    .number()
    .positive()
    .max(86_400)
    .default(30)
    .describe('The time after which one failed authentication of an address is forgiven, in seconds.'),
  banSeconds: z
    .number()
    .positive()
    .max(31_536_000)
    .default(60)
    .describe(
      'How long an address is banned for the first time, in seconds; twice as long each further time, until it was quiet for ' +
        '`maximumBanSeconds`.',
    ),
  maximumBanSeconds: z
    .number()
    .positive()
    .max(31_536_000)
    .default(3_600)
    .describe('The longest time that an address is banned after failed authentications, in seconds.'),
  unlimitedAddresses: z
    .array(addressRange)
    .default(['127.0.0.0/8', '::1/128'])
    .describe(
      'Addresses and ranges without these limits and bans, such as a load balancer that does not tell the addresses of clients. An ' +
        'operator can still ban them.',
    ),
  maximumTrackedAddresses: z
    .int()
    .min(1)
    .max(10_000_000)
    .default(100_000)
    .describe(
      'Addresses whose connect rate is remembered, whose failures are, and that are banned: so many of each. The oldest is ' +
        'forgotten for a new one.',
    ),
}

export const DEFAULT_MAXIMUM_CONNECTIONS = 50_000

export const serverConfig = z.strictObject({
  host: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe(
      'The address to listen on. `0.0.0.0` and `::` open the broker to the network, which needs an authenticator or ' +
        '`allowAnonymous: true`; the default does not.',
    ),
  port: z.int().min(0).max(65_535).default(1883).describe('The TCP port; 0 lets the operating system choose one.'),
  ...socketOptions,
  maximumConnections: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(DEFAULT_MAXIMUM_CONNECTIONS)
    .describe(
      'Connections open at the same time. Further ones wait for some turns, then they are closed, counted and logged.',
    ),
  turnWorkUnits: z
    .int()
    .min(1_000)
    .max(10_000_000)
    .default(50_000)
    .describe(
      'Work that the packets of all clients may cause in one turn of the event loop, in units of about 0.2 µs; further ' +
        'work waits for later turns, first in, first out.',
    ),
  maximumPendingBytes: z
    .int()
    .min(1024)
    .max(1024 ** 3)
    .default(1024 ** 2)
    .describe(
      'Bytes waiting for a slow peer that make its connection congested. At twice this size the peer is not read.',
    ),
  maximumTotalPendingBytes: z
    .int()
    .min(1024)
    .max(1024 ** 4)
    .default(256 * 1024 ** 2)
    .describe(
      'Bytes waiting for all peers together. Beyond it publishers are not read until half of it is left. Publishers that cause ' +
        'little work meanwhile (1,000 units) are read until one and a half times as many bytes wait.',
    ),
  stalledDeadlineMs: z
    .int()
    .min(10)
    .max(600_000)
    .default(5_000)
    .describe(
      'How long publishers wait for that, in milliseconds. Then connections are cut off until half is left: first those ' +
        'whose peer has taken nothing in that time, then those with most bytes waiting. Peers that have taken nothing for so long ' +
        'before, and 16 s more for each MiB that waits for them, are cut off at once.',
    ),
  minimumStalledDeadlineMs: z
    .int()
    .min(10)
    .max(600_000)
    .default(100)
    .describe(
      'The shortest waiting time, in milliseconds. It is halved each time publishers wait again within a minute.',
    ),
  closeDeadlineMs: z
    .int()
    .min(1)
    .max(60_000)
    .default(2_000)
    .describe('How long a peer may take to close its side after the broker closed the connection, in milliseconds.'),
  drainMs: z
    .int()
    .min(0)
    .max(600_000)
    .default(1_000)
    .describe(
      'How long a server that stops waits for acknowledgements and bytes that are under way, in milliseconds. Clients without any ' +
        'are disconnected at once. Keep `drainMs` and `closeDeadlineMs` together below the `stopDeadlineMs` of the entry.',
    ),
  ...addresses,
  ...ownListener,
})

export type ServerConfig = z.output<typeof serverConfig>
