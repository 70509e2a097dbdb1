import type { z } from 'zod'
import { bridge } from '../../components/bridge/index.ts'
import type { RemoteBridge } from '../../components/bridge/remote-bridge.ts'
import { lmdbStore } from '../../components/store-lmdb/index.ts'
import type { SystemMap } from '../../src/system/define-system.ts'
import { createSystem } from '../../src/system/lifecycle.ts'
import { eventually } from './eventually.ts'
import { quietSystem } from './start-broker.ts'

export type BridgeValues = z.input<typeof bridge.config>

/**
 * A broker with bridges, which connect again at once.
 * @param path of its store on disk; in memory unless given. @param more entries of the system.
 */
export const startBridged = async (
  bridges: Readonly<Record<string, BridgeValues>>,
  path?: string,
  more: Readonly<Record<string, object>> = {},
) => {
  const entries = Object.entries(bridges).map(([name, values]) => {
    const config = { minimumRetryMs: 10, maximumRetryMs: 50, ...values }
    return [name, { component: bridge, config, dependencies: { broker: 'broker', logger: 'logger' } }]
  })
  const store =
    path === undefined ? {} : { store: { component: lmdbStore, config: { path }, dependencies: { logger: 'logger' } } }
  const system = createSystem({ ...quietSystem, ...store, ...more, ...Object.fromEntries(entries) })
  await system.start()
  const map = system.map as unknown as SystemMap<typeof quietSystem> & Readonly<Record<string, RemoteBridge>>
  return {
    ...{ system, map, port: map.server.port, stop: () => system.stop() },
    bridge: (name: string): RemoteBridge => map[name]!,
    /** Resolves when the bridge is connected. */
    connected: (name: string) =>
      eventually(() => {
        if (!map[name]!.connected) throw new Error(`${name} is not connected: ${map[name]!.lastFailure}`)
      }),
  }
}

export type BridgedBroker = Awaited<ReturnType<typeof startBridged>>

/** A topic of a bridge. */
export const carried = (
  filter: string,
  direction: 'in' | 'out' | 'both',
  qos: 0 | 1 | 2 = 2,
  [localPrefix, remotePrefix]: readonly [string, string] = ['', ''],
) => ({ filter, direction, qos, localPrefix, remotePrefix })
