import type { QoS } from 'mqtt-packet'
import type { BrokerConfig } from './config.ts'

/** The work of a delivery at QoS 1 or 2, in units: to a client that is connected, and to the queue of one that is away. */
export const CONNECTED_UNITS = 10
export const AWAY_UNITS = 17

type UpgradeConfig = Pick<BrokerConfig, 'upgradeOutgoingQoS'>

/** Whether a message that was published at a lower QoS than was granted is delivered at that one. */
export const isUpgraded = (published: QoS, granted: QoS, config: UpgradeConfig): boolean =>
  published < granted && config.upgradeOutgoingQoS

/** The QoS of a delivery: the lower one of the two [MQTT-3.8.4-8], unless the config says otherwise. */
export const deliveredQoS = (published: QoS, granted: QoS, config: UpgradeConfig): QoS =>
  published < granted && !config.upgradeOutgoingQoS ? published : granted
