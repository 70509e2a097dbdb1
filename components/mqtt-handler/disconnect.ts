import type { Client } from './client.ts'

/** Closes the network connection, if the client does not do it first (section 3.14.4). */
export const handleDisconnect = (client: Client): void => client.end('client sent DISCONNECT')
