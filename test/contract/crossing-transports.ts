/** The rows of `crossing-classes.ts` for the transports. */

import type { CrossingClass, CrossingRecord } from './crossing-class.ts'

const OWN_PLACE = 'the successor has its own place'
const CONFIG = 'config of the successor'
const ONE_LINE = 'one line more may be logged'
const NETWORK = 'src/network'

const network: readonly CrossingClass[] = [
  {
    file: `${NETWORK}/socket-transport.ts`,
    class: 'SocketTransport',
    gives: ['give'],
    forgotten: {
      name: OWN_PLACE,
      transport: 'a constant',
      adoptable: 'a constant',
      log: OWN_PLACE,
      '#settings': CONFIG,
      '#bound': 'found by the socket that listens',
      '#move': 'only of a successor',
      '#continues': 'only of a successor',
      '#moved': 'only of a successor',
    },
  },
  {
    file: `${NETWORK}/handshakes.ts`,
    class: 'Handshakes',
    gives: ['handOver'],
    forgotten: { '#bounds': CONFIG, '#log': OWN_PLACE, '#refusalLog': ONE_LINE, '#failureLog': ONE_LINE },
  },
  {
    file: `${NETWORK}/proxy-protocol.ts`,
    class: 'ProxyProtocol',
    gives: ['handOver'],
    forgotten: { '#trusted': CONFIG, '#log': OWN_PLACE, '#logInterval': ONE_LINE },
  },
  {
    file: `${NETWORK}/tls/tls-acceptor.ts`,
    class: 'TlsAcceptor',
    gives: ['handOver'],
    forgotten: {
      '#options': OWN_PLACE,
      '#settings': CONFIG,
      '#server': OWN_PLACE,
      '#turns': 'handshakes end where they have begun',
      '#underWay': 'handshakes end where they have begun',
    },
  },
  {
    file: `${NETWORK}/tls/tls-contexts.ts`,
    class: 'TlsContexts',
    gives: ['counts'],
    forgotten: {
      '#config': CONFIG,
      '#log': OWN_PLACE,
      '#watched': 'the successor has its own',
      '#expiry': 'the successor has its own',
      '#users': OWN_PLACE,
      '#current': 'read anew',
      '#byName': 'read anew',
      '#loading': 'read anew',
      '#isStopped': 'only of the object before',
    },
  },
]

const listeners: readonly CrossingClass[] = [
  {
    file: 'components/tcp/tcp-listener.ts',
    class: 'TcpListener',
    gives: ['giveParts'],
    forgotten: { '#config': CONFIG },
  },
  {
    file: 'components/tls/tls-transport.ts',
    class: 'TlsTransport',
    gives: ['giveParts'],
    forgotten: { '#config': CONFIG },
  },
  {
    file: 'components/web-socket/web-socket-listener.ts',
    class: 'WebSocketListener',
    gives: ['giveParts'],
    forgotten: { '#config': CONFIG },
  },
  {
    file: 'components/web-socket/secure-sockets.ts',
    class: 'SecureSockets',
    gives: ['handOver'],
    forgotten: { '#bounds': CONFIG },
  },
  {
    file: 'components/web-socket/upgrades.ts',
    class: 'Upgrades',
    gives: [],
    forgotten: {
      refused: '`WebSocketListener` hands it over',
      '#maximumBytes': CONFIG,
      '#rule': CONFIG,
      '#proxies': CONFIG,
      '#isSecure': 'a constant of the listener',
      '#user': OWN_PLACE,
      '#log': OWN_PLACE,
      '#logInterval': ONE_LINE,
    },
  },
  {
    file: 'components/unix-socket/unix-socket-listener.ts',
    class: 'UnixSocketListener',
    gives: ['giveParts'],
    forgotten: {},
  },
]

export const transportClasses: readonly CrossingClass[] = [...network, ...listeners]

const record = (file: string, name: string): CrossingRecord => ({ file, interface: name, takenBy: [file] })

export const transportRecords: readonly CrossingRecord[] = [
  record(`${NETWORK}/socket-transport.ts`, 'TransportRecord'),
  record(`${NETWORK}/socket-transport.ts`, 'TransportPlace'),
  record(`${NETWORK}/handshakes.ts`, 'HandshakesState'),
  record(`${NETWORK}/proxy-protocol.ts`, 'ProxyState'),
  record(`${NETWORK}/tls/tls-acceptor.ts`, 'TlsState'),
  record('components/tcp/tcp-listener.ts', 'TcpParts'),
  record('components/tls/tls-transport.ts', 'TlsParts'),
  record('components/web-socket/web-socket-listener.ts', 'WebSocketParts'),
  record('components/web-socket/secure-sockets.ts', 'SecureState'),
]
