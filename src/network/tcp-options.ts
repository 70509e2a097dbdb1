import { z } from 'zod'
import { checkActivatedFd, FIRST_ACTIVATED_FD } from './activated-fd.ts'
import { formatAddress } from './format-address.ts'
import { type KeptListening, keepOrListen, type ListenAddress, listen } from './listening.ts'
import { proxyProtocol } from './proxy-protocol.ts'

/** How many connections may wait for a listening socket. */
export const backlog = z
  .int()
  .min(1)
  .max(65_535)
  .default(1024)
  .describe('Connections that may wait to be accepted; the operating system may allow fewer.')

/** Values of the sockets of TCP, of `server` as well. */
export const socketOptions = {
  backlog,
  tcpKeepAliveMs: z
    .int()
    .min(0)
    .max(7_200_000)
    .default(60_000)
    .describe('Silence after which TCP probes the peer, in milliseconds; 0 disables the probes.'),
}

/** Values of every listener on TCP. Spread them into its schema; `tcpOptions(1884)` has the default port. */
export const tcpOptions = (port: number) => ({
  host: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('The address to listen on. `0.0.0.0` and `::` open the listener to the network; the default does not.'),
  port: z.int().min(0).max(65_535).default(port).describe('The TCP port; 0 lets the operating system choose one.'),
  fd: z
    .int()
    .min(FIRST_ACTIVATED_FD)
    .max(65_535)
    .optional()
    .describe(
      'A listening socket that systemd has opened (socket activation), by its number. Then `host` and `port` are not used.',
    ),
  ...socketOptions,
  proxyProtocol: proxyProtocol
    .optional()
    .describe(
      'Connections come from proxies, which send the address of the client first (PROXY protocol, version 1 or 2).',
    ),
})

type TcpOptions = Readonly<z.output<z.ZodObject<ReturnType<typeof tcpOptions>>>>

/** Where a listener on TCP listens. */
export const listenAddress = ({
  host,
  port,
  fd,
  backlog,
}: Pick<TcpOptions, 'host' | 'port' | 'fd' | 'backlog'>): ListenAddress =>
  fd === undefined ? { host, port, backlog } : { fd, backlog }

/** The address of a listener in the diagram. */
export const describeAddress = ({ host, port, fd }: Pick<TcpOptions, 'host' | 'port' | 'fd'>): string =>
  fd === undefined ? formatAddress(host, port) : `fd ${fd}`

/** What only one listener can hold: its address, unless the operating system chooses it. */
export const exclusiveAddress = ({ host, port, fd }: Pick<TcpOptions, 'host' | 'port' | 'fd'>): readonly string[] => {
  if (fd !== undefined) return [`fd:${fd}`]
  return port === 0 ? [] : [`tcp:${formatAddress(host, port)}`]
}

/**
 * Listens at the address of the config, or takes over the socket of the predecessor if it is at that address.
 * @param suspended what the predecessor handed over; undefined at a start.
 * @throws as `listen` does, and if `fd` was not passed to this process.
 */
export const listenOn = async (
  config: Pick<TcpOptions, 'host' | 'port' | 'fd' | 'backlog'>,
  signal: AbortSignal = new AbortController().signal,
  suspended?: unknown,
): Promise<KeptListening> => {
  if (config.fd !== undefined) checkActivatedFd(config.fd)
  const address = listenAddress(config)
  return suspended === undefined ? listen(address) : keepOrListen(suspended, address, signal)
}
