import type { Identity } from '../../src/kinds/authorizer.ts'

/** The retained message with the state of a bridge: 1 while it is connected, else 0. The topic is that of mosquitto. */
export const stateTopic = (name: string): string => `$SYS/broker/connection/${name}/state`

/**
 * The identity of a bridge at this broker. It owns its session: no client can take it over.
 * @param userName the user whose rules decide; undefined if the topics of the config alone decide.
 */
export const bridgeIdentity = (name: string, userName: string | undefined): Identity => ({
  clientId: `$bridge/${name}`,
  userName,
  peer: { address: '', port: 0, listener: name, transport: 'bridge' },
  ...(userName === undefined && { attributes: { isSuperuser: true } }),
})
