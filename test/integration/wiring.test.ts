import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { Logger } from '../../src/kinds/logger.ts'
import { type HandlerStage, PipelineStage } from '../../src/kinds/pipeline-stage.ts'
import { Router } from '../../src/kinds/router.ts'
import { checkConfig } from '../../src/system/check-config.ts'
import { defineComponent, defineSystem } from '../../src/system/define-system.ts'
import base from '../../system.config.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { RecordingLogger } from '../helpers/recording-logger.ts'
import { type Broker, quietSystem, startBroker } from '../helpers/start-broker.ts'

const CONNECT = '100c 00044d515454 04 02 0000 0000'
const SUBSCRIBE_A = '8206 0001 0001 61 00'
const PUBLISH_A = '3004 0001 61 78'

describe('the wiring of the broker', () => {
  const running: Broker[] = []
  afterEach(async () => {
    for (const broker of running.splice(0)) await broker.stop()
  })
  const start = async (...config: Parameters<typeof startBroker>) => {
    const broker = await startBroker(...config)
    running.push(broker)
    return broker
  }

  it('listens on the port of MQTT, on this machine alone', () => {
    expect(base.server.config).toEqual({ host: '127.0.0.1', port: 1883 })
  })

  it('accepts another router by an edit of the config', async () => {
    const everywhere = defineComponent({
      provides: Router,
      needs: {},
      config: z.strictObject({}),
      start: (): Router => {
        const delivery = { qos: 0, retainAsPublished: false, subscriptionIdentifiers: [], shared: undefined } as const
        const subscribers = new Set<Parameters<Router['subscribe']>[0]>()
        const publish: Router['publish'] = (message) => {
          let work = 0
          for (const subscriber of subscribers) work += subscriber.deliver(message, delivery)
          return { subscribers: subscribers.size, refused: 0, work, isTooMuch: false }
        }
        return {
          subscribe: (subscriber) => subscribers.size === subscribers.add(subscriber).size,
          unsubscribe: (subscriber) => subscribers.delete(subscriber),
          connectionChanged: () => 0,
          publish,
          publishHere: () => ({ subscribers: 0, refused: 0, work: 0, isTooMuch: false }),
          publishInSteps: () => ({ isRouted: true, isDone: true, subscribers: 0, refused: 0, step: () => 0 }),
          redeliver: () => ({ subscribers: 0, refused: 0, work: 0, isTooMuch: false }),
          get subscriptions() {
            return subscribers.size
          },
        }
      },
    })
    const { port } = await start(defineSystem({ ...quietSystem, router: { component: everywhere } }))
    const client = await RawClient.connect(port)
    client.send(CONNECT, SUBSCRIBE_A, '3004 0001 62 78')
    expect(await client.receive(4 + 5 + 6)).toBe('20020000' + '9003000100' + '300400016278')
  })

  it('accepts another handler by an edit of the config', async () => {
    const handler: HandlerStage = {
      role: 'handler',
      open: (_, next) => ({ packet: () => next.packet({ cmd: 'pingresp' }), publish: () => undefined }),
    }
    const pingresp = defineComponent({
      provides: PipelineStage,
      needs: {},
      config: z.strictObject({}),
      start: () => handler,
    })
    const { port } = await start(defineSystem({ ...quietSystem, mqttHandler: { component: pingresp } }))
    expect(await (await RawClient.connect(port)).send(CONNECT).frame()).toBe('d000')
  })

  it('logs packets once packetLog is enabled', async () => {
    const log = new RecordingLogger()
    const recording = defineComponent({
      provides: Logger,
      needs: {},
      config: z.strictObject({}),
      start: () => log,
    })
    const { port } = await start(
      defineSystem({
        ...quietSystem,
        logger: { component: recording },
        packetLog: { ...quietSystem.packetLog, enabled: true },
      }),
    )
    await (await RawClient.connect(port)).send(CONNECT, PUBLISH_A, 'ff').rest()
    const logged = log.lines.filter(({ component }) => component === 'packetLog')
    expect(logged).toMatchObject([
      { cmd: 'connect', level: 'info' },
      { cmd: 'publish', topic: 'a', payloadBytes: 1 },
      { message: 'Protocol error' },
    ])
  })

  it('fails to start on a taken port with the error of the operating system, and leaves nothing running', async () => {
    const { port } = await start()
    const second = startBroker({ ...quietSystem, server: { ...quietSystem.server, config: { port } } })
    await expect(second).rejects.toMatchObject({
      code: 'START_FAILED',
      component: 'server',
      cause: { code: 'EADDRINUSE', port, address: '127.0.0.1' },
    })
  })

  it('is checked before anything starts: a pipeline that is not whole is a problem of the config', () => {
    const dependencies = { pipeline: ['mqttDecoder', 'mqttEncoder'], logger: 'logger' } as const
    const { problems } = checkConfig({ ...quietSystem, server: { ...quietSystem.server, dependencies } })
    expect(problems).toEqual([
      {
        path: ['server', 'dependencies', 'pipeline'],
        message: expect.stringContaining('It lists mqttDecoder (decoder), mqttEncoder (encoder): handler missing.'),
      },
    ])
    const without = (name: 'mqttDecoder' | 'mqttHandler' | 'mqttEncoder') =>
      checkConfig({ ...quietSystem, [name]: { ...quietSystem[name], enabled: false } }).problems.length
    expect([without('mqttDecoder'), without('mqttHandler'), without('mqttEncoder')]).toEqual([1, 1, 1])
  })

  it('is checked at the start if a stage does not declare its role', async () => {
    const stage = defineComponent({
      provides: PipelineStage,
      needs: {},
      config: z.strictObject({}),
      start: (): PipelineStage => ({ role: 'filter', open: (_, next) => next }),
    })
    const broker = startBroker({ ...quietSystem, mqttHandler: { component: stage } })
    await expect(broker).rejects.toThrow(
      /server\.dependencies\.pipeline.*It lists decoder, filter, encoder: handler missing/,
    )
  })

  it('has one broker for a store', () => {
    const second = { ...quietSystem.broker }
    expect(checkConfig({ ...quietSystem, second }).problems).toEqual([
      expect.objectContaining({ path: ['second', 'component'] }),
      expect.objectContaining({ path: ['second', 'dependencies', 'router'] }),
      {
        path: ['second', 'dependencies', 'store'],
        message:
          "'store' belongs to 'broker' already (broker.dependencies.store), and both need it exclusively; " +
          'a system has at most one Store, so disable either component',
      },
    ])
    expect(checkConfig({ ...quietSystem, second: { ...second, enabled: false } }).problems).toEqual([])
  })
})
