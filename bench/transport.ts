/** What a load is carried by, between the generator and a broker. */
export type TransportName = 'tcp' | 'tls' | 'ws' | 'wss' | 'unix'
