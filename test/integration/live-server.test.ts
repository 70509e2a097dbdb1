/** The code of the server is replaced under live connections of all transports. */

import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex, EventEmitter } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import type { ServerRecord } from '../../components/server/core-record.ts'
import { server } from '../../components/server/index.ts'
import type { MqttServer } from '../../components/server/mqtt-server.ts'
import { tls } from '../../components/tls/index.ts'
import { unixSocket } from '../../components/unix-socket/index.ts'
import { webSocket } from '../../components/web-socket/index.ts'
import type { PipelineStage } from '../../src/kinds/pipeline-stage.ts'
import type { PreparedSwap, Side } from '../../src/system/cut-over.ts'
import type { AnyComponent } from '../../src/system/define-system.ts'
import { applyChanges, prepareSwap } from '../helpers/apply-changes.ts'
import { TestFiles, testCertificates } from '../helpers/certificates.ts'
import { eventually } from '../helpers/eventually.ts'
import { runs } from '../helpers/full-run.ts'
import { lifecycleContext } from '../helpers/lifecycle-context.ts'
import { numberedReport, numberedStages } from '../helpers/numbered-stages.ts'
import { expectAllAnswered, NumberedStream } from '../helpers/numbered-stream.ts'
import { RecordingLogger } from '../helpers/recording-logger.ts'
import { WebSocketClient } from '../helpers/web-socket-client.ts'

const CLIENTS_PER_TRANSPORT = runs(12)
const RESETS = 6 + runs(12)

const files = new TestFiles()
const logger = new RecordingLogger()
const context = lifecycleContext('server')
afterAll(() => files.remove())

/** The code of the server, loaded again: other classes, and another component object. */
const loadedAgain = async (): Promise<AnyComponent> => {
  vi.resetModules()
  return (await import('../../components/server/index.ts')).server as AnyComponent
}

/** The same of TLS, WebSocket and Unix sockets. */
const transportsAgain = async (): Promise<AnyComponent[]> => {
  vi.resetModules()
  const { tls } = await import('../../components/tls/index.ts')
  const { webSocket } = await import('../../components/web-socket/index.ts')
  const { unixSocket } = await import('../../components/unix-socket/index.ts')
  return [tls, webSocket, unixSocket] as AnyComponent[]
}

describe('the server under live connections', () => {
  const clients: NumberedStream[] = []
  const closing: (() => unknown)[] = []
  let number = 0
  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy()
    for (const close of closing.splice(0)) await close()
  })

  /** A server with four transports, and clients of all of them. */
  const start = async (stages: readonly PipelineStage[]) => {
    const certificates = await testCertificates()
    number += 1
    const path = join(tmpdir(), `mqtt-jig-live-server-${process.pid}-${number}.sock`)
    const configs: readonly unknown[] = [
      tls.config.parse({ port: 0, ...files.pair('server', certificates.server), handshakesPerTurn: 1_000 }),
      webSocket.config.parse({ port: 0 }),
      unixSocket.config.parse({ path }),
    ]
    const secured = await tls.start(configs[0] as never, { logger }, context)
    const web = await webSocket.start(configs[1] as never, { logger }, context)
    const local = await unixSocket.start(configs[2] as never, { logger }, context)
    const config = server.config.parse({ port: 0, closeDeadlineMs: 100 })
    const transports = [secured, web, local]
    const first = await server.start(config, { pipeline: [...stages], transports, logger }, context)
    const running = { component: server as AnyComponent, instance: first as MqttServer }
    closing.push(
      () => running.component.stop?.(running.instance, context),
      () => Promise.all(transports.map((transport) => transport.close())),
    )
    const ca = certificates.authority.cert
    const { port } = first
    const opened = await Promise.all(
      Array.from({ length: CLIENTS_PER_TRANSPORT }, async (): Promise<Duplex[]> => {
        const plain = connectTcp(port, '127.0.0.1')
        const unix = connectTcp(path)
        const secure = connectTls({ port: secured.port, host: '127.0.0.1', ca, servername: 'localhost' })
        const [overWeb] = await Promise.all([
          WebSocketClient.connect(web.port),
          once(plain, 'connect'),
          once(unix, 'connect'),
          once(secure, 'secureConnect'),
        ])
        return [plain, unix, secure, overWeb]
      }),
    )
    clients.push(...opened.flat().map((stream) => new NumberedStream(stream)))
    await eventually(() => expect(first.connections).toBe(clients.length))
    const present: Side[] = [
      { component: tls as AnyComponent, instance: secured },
      { component: webSocket as AnyComponent, instance: web },
      { component: unixSocket as AnyComponent, instance: local },
    ]
    /** Replaces the server, or has it adjusted if no code is given, and those transports of which there is other code. */
    const swap = async (
      pipeline: readonly PipelineStage[],
      component?: AnyComponent,
      others: readonly (AnyComponent | undefined)[] = [],
    ) => {
      const changes: PreparedSwap[] = []
      const next: Side[] = []
      for (const [index, from] of present.entries()) {
        const code = others[index]
        const change = code && (await prepareSwap('transport', from, code, configs[index], { logger }))
        if (change !== undefined) changes.push(change)
        next.push(change?.to ?? from)
      }
      const instances = next.map(({ instance }) => instance as (typeof transports)[number])
      const dependencies = { pipeline: [...pipeline], transports: instances, logger }
      const adjust = async () => ({
        name: 'server',
        adjustment: await running.component.adjust!(running.instance, config, dependencies as never, context),
      })
      const prepared = component && (await prepareSwap('server', { ...running }, component, config, dependencies))
      await applyChanges([...changes, prepared ?? (await adjust())], { server: running.instance })
      present.splice(0, present.length, ...next)
      transports.splice(0, transports.length, ...instances)
      if (component === undefined) return
      running.component = component
      running.instance = prepared!.to.instance as MqttServer
    }
    const reconnect = async () => {
      const opened = [
        connectTcp(running.instance.port, '127.0.0.1'),
        connectTcp(path),
        connectTls({ port: secured.port, host: '127.0.0.1', ca, servername: 'localhost' }),
        await WebSocketClient.connect(web.port),
      ]
      clients.push(...opened.map((stream) => new NumberedStream(stream)))
      await eventually(() => expect(running.instance.connections).toBe(clients.length))
    }
    return { running, swap, reconnect }
  }

  it('is replaced; a failure at any connection is undone, and no packet is lost or doubled', async () => {
    const report = numberedReport()
    let stages: PipelineStage[] = [...numberedStages(report).all]
    const { running, swap } = await start(stages)
    let undone = 0
    for (let reset = 0; reset < RESETS; reset += 1) {
      for (const [index, client] of clients.entries()) client.send(1 + (index % 3), 1 + ((index + reset) % 9))
      // Sometimes the stages are others, too.
      const wanted = reset % 2 === 0 ? stages : [...numberedStages(report).all]
      const stage = ['decoder', 'handler', 'encoder'][reset % 3]!
      report.failing = reset % 3 === 1 ? { stage, connection: 1 + ((reset * 37) % clients.length) } : undefined
      const applied = swap(wanted, await loadedAgain())
      if (report.failing === undefined) {
        await applied
        stages = wanted
      } else {
        await expect(applied).rejects.toThrow('does not open')
        undone += 1
      }
      report.failing = undefined
    }
    expect(undone).toBeGreaterThan(2)
    await expectAllAnswered(clients, report)
    const { counters, listeners } = running.instance
    expect(counters).toMatchObject({ accepted: clients.length, endedByBroker: 0, endedByNetwork: 0 })
    expect(listeners.map(({ connections, accepted }) => [connections, accepted])).toEqual(
      Array.from({ length: 4 }, () => [CLIENTS_PER_TRANSPORT, CLIENTS_PER_TRANSPORT]),
    )
    expect(logger.at('error')).toEqual([])
  })

  it('stays while the code of transports is replaced, alone or with its own; a failure is undone', async () => {
    const report = numberedReport()
    const { all } = numberedStages(report)
    const { running, swap, reconnect } = await start(all)
    for (let reset = 0; reset < 12; reset += 1) {
      for (const [index, client] of clients.entries()) client.send(1 + (index % 3), 1 + ((index + reset) % 9))
      const wanted = await transportsAgain()
      const others = wanted.map((component, index) => ((reset + 1) & (1 << index) ? component : undefined))
      const component = reset % 2 === 0 ? await loadedAgain() : undefined
      report.failing =
        component !== undefined && reset % 4 === 0 ? { stage: 'decoder', connection: 1 + reset } : undefined
      const applied = swap(all, component, others)
      if (report.failing === undefined) await applied
      else await expect(applied).rejects.toThrow('does not open')
      report.failing = undefined
      await reconnect()
    }
    await expectAllAnswered(clients, report)
    const each = clients.length / 4
    expect(
      running.instance.listeners.map(({ transport, accepted, connections }) => [transport, accepted, connections]),
    ).toEqual(['tcp', 'tls', 'ws', 'unix'].map((transport) => [transport, each, each]))
    expect(logger.at('error')).toEqual([])
  })

  it('adds no listeners to the streams, however often it is replaced', async () => {
    const report = numberedReport()
    const { all } = numberedStages(report)
    const { running, swap } = await start(all)
    const listeners = () => {
      const { core } = running.component.handover!.give(running.instance) as ServerRecord
      return core.connections.map((connection) => {
        const stream = connection.handOver().stream as unknown as EventEmitter
        return stream.eventNames().map((name) => [name, stream.listenerCount(name)])
      })
    }
    const before = listeners()
    expect(before).toHaveLength(clients.length)
    for (let reset = 0; reset < 100; reset += 1) await swap(all, server as AnyComponent)
    expect(listeners()).toEqual(before)
    await expectAllAnswered(clients, report)
  })
})
