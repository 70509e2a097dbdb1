import { afterEach, describe, expect, it, vi } from 'vitest'
import type { AnyComponent, AnySystemConfig } from '../../src/system/define-system.ts'
import { createSystem } from '../../src/system/lifecycle.ts'
import { RealClient } from '../helpers/mqtt-js.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { quietSystem, withConfig } from '../helpers/start-broker.ts'

const versions = [3, 4, 5] as const
/** Of each client, at each QoS, around each reset. */
const MESSAGES = 2

/** The config with another component object for the handler: an edit of its code. */
const withHandler = (change: (component: AnyComponent) => Partial<AnyComponent> = () => ({})) => {
  const component = quietSystem.mqttHandler.component as AnyComponent
  const mqttHandler = { ...quietSystem.mqttHandler, component: { ...component, ...change(component) } }
  return { ...quietSystem, mqttHandler } as AnySystemConfig
}

/** The same config, with all code loaded a second time: other classes, and other component objects. */
const loadedAgain = async (): Promise<AnySystemConfig> => {
  vi.resetModules()
  const { mqttHandler } = await import('../../components/mqtt-handler/index.ts')
  const { mqttDecoder } = await import('../../components/mqtt-decoder/index.ts')
  const { mqttEncoder } = await import('../../components/mqtt-encoder/index.ts')
  return {
    ...quietSystem,
    mqttDecoder: { ...quietSystem.mqttDecoder, component: mqttDecoder },
    mqttHandler: { ...quietSystem.mqttHandler, component: mqttHandler },
    mqttEncoder: { ...quietSystem.mqttEncoder, component: mqttEncoder },
  } as unknown as AnySystemConfig
}

/** The same config, with the code of the router, the store or the broker loaded a second time. */
const withCore = async (...names: readonly ('router' | 'store' | 'broker')[]): Promise<AnySystemConfig> => {
  vi.resetModules()
  const { router } = await import('../../components/router/index.ts')
  const { memoryStore: store } = await import('../../components/store-memory/index.ts')
  const { broker } = await import('../../components/broker/index.ts')
  const components = { router, store, broker }
  const entries = names.map((name) => [name, { ...quietSystem[name], component: components[name] }])
  return { ...quietSystem, ...Object.fromEntries(entries) } as AnySystemConfig
}

/** The same config, with the code of the server loaded a second time. */
const withServer = async (more: object = {}): Promise<AnySystemConfig> => {
  vi.resetModules()
  const { server } = await import('../../components/server/index.ts')
  return { ...quietSystem, server: { ...quietSystem.server, component: server }, ...more } as unknown as AnySystemConfig
}

/** The decoder without what hands over the state of its connections. */
const muteDecoder = (): object => {
  const component = quietSystem.mqttDecoder.component as AnyComponent
  const mute = (stage: { open: (...parts: unknown[]) => object }) => {
    const { open } = stage
    stage.open = (...parts) => Object.assign(open.apply(stage, parts), { handOver: undefined })
    return stage
  }
  const { start } = component
  return {
    ...quietSystem.mqttDecoder,
    component: { ...component, start: async (...parts: Parameters<typeof start>) => mute(await start(...parts)) },
  }
}

describe('clients of all versions, and one that has sent half of a packet', () => {
  const ending: (() => Promise<unknown> | undefined)[] = []
  afterEach(async () => {
    for (const end of ending.splice(0).toReversed()) await end()
  })

  const start = async () => {
    const system = createSystem(quietSystem)
    await system.start()
    ending.push(() => system.stop())
    const { port } = system.map.server
    const closed: string[] = []
    const clients = await Promise.all(
      versions.map(async (version) => {
        const client = await RealClient.connect(port, version, { clientId: `v${version}`, keepalive: 60 })
        client.mqtt.on('close', () => closed.push(`v${version}`))
        ending.push(() => client.mqtt.endAsync(true))
        await client.mqtt.subscribeAsync({ 'chat/#': { qos: 2 } })
        return client
      }),
    )
    const raw = await RawClient.connect(port)
    raw.socket.on('close', () => closed.push('raw'))
    ending.push(async () => raw.destroy())
    // CONNECT of MQTT 3.1.1 as `raw`, with Keep Alive 60.
    raw.send('10 0f 0004 4d515454 04 02 003c 0003 726177')
    expect(await raw.frame()).toBe('20020000')
    let round = 0

    /** Publishes before, while and after something is done, with half of a packet on its way. All must come once and in order. */
    const during = async (work: () => Promise<unknown>) => {
      round += 1
      // PUBLISH of `chat/raw` at QoS 1 with one byte of payload, cut within its topic.
      raw.send('32 0d 0008 63686174')
      const publish = (part: string) =>
        clients.flatMap(({ mqtt }, index) =>
          ([0, 1, 2] as const).flatMap((qos) =>
            Array.from({ length: MESSAGES }, (_, count) =>
              mqtt.publishAsync(`chat/${versions[index]}/${qos}`, `${round} ${part} ${count}`, { qos }),
            ),
          ),
        )
      const published = publish('before')
      const [result] = await Promise.all([work(), ...publish('while')])
      await Promise.all([...published, ...publish('after')])
      raw.send('2f726177', `000${round}`, '21')
      expect(await raw.frame()).toBe(`4002000${round}`)
      const wanted = ['before', 'while', 'after'].flatMap((part) =>
        Array.from({ length: MESSAGES }, (_, count) => `${round} ${part} ${count}`),
      )
      for (const client of clients) {
        const received = await client.take(versions.length * 3 * wanted.length + 1)
        for (const version of versions) {
          for (const qos of [0, 1, 2]) {
            const ofOne = received.filter(({ topic }) => topic === `chat/${version}/${qos}`)
            expect(ofOne.map(({ payload }) => payload)).toEqual(wanted)
          }
        }
        expect(received.filter(({ topic }) => topic === 'chat/raw').map(({ payload }) => payload)).toEqual(['!'])
      }
      expect(closed).toEqual([])
      return result as Awaited<ReturnType<typeof system.apply>>
    }
    const verdicts = (report: Awaited<ReturnType<typeof system.apply>>) =>
      Object.fromEntries(report.parts.flatMap(({ name, verdict }) => (verdict === 'keep' ? [] : [[name, verdict]])))
    return { system, during, verdicts }
  }

  it('notice nothing of a handler of other code', async () => {
    const { system, during, verdicts } = await start()
    const report = await during(() => system.apply(withHandler()))
    expect(verdicts(report)).toEqual({ mqttHandler: 'swap', server: 'adjust' })
    expect(report.errors).toEqual([])
    await during(() => system.apply(withHandler()))
  })

  it('notice nothing of a pipeline whose classes were all loaded again', async () => {
    const { system, during, verdicts } = await start()
    const report = await during(async () => system.apply(await loadedAgain()))
    expect(verdicts(report)).toEqual({
      mqttDecoder: 'swap',
      mqttHandler: 'swap',
      mqttEncoder: 'swap',
      server: 'adjust',
    })
    expect(report.errors).toEqual([])
    await during(async () => system.apply(await loadedAgain()))
  })

  it.each([
    [['router'], { router: 'swap', broker: 'adjust' }],
    [['store'], { store: 'swap', broker: 'adjust' }],
    [['router', 'store'], { router: 'swap', store: 'swap', broker: 'adjust' }],
  ] as const)('notice nothing of %j of other code', async (names, expected) => {
    const { system, during, verdicts } = await start()
    const report = await during(async () => system.apply(await withCore(...names)))
    expect(verdicts(report)).toEqual(expected)
    expect(report.errors).toEqual([])
    await during(async () => system.apply(await withCore(...names)))
  })

  it('notice nothing of a router, a store and a broker of other code, and of them undone', async () => {
    const { system, during, verdicts } = await start()
    const all = ['router', 'store', 'broker'] as const
    const failing = async () => {
      const config = await withCore(...all)
      const broker = config['broker']!.component as AnyComponent
      const take = () => {
        throw new Error('not today')
      }
      const component = { ...broker, handover: { ...broker.handover!, take } }
      return { ...config, broker: { ...config['broker'], component } } as AnySystemConfig
    }
    await during(async () => expect(system.apply(await failing())).rejects.toMatchObject({ code: 'RESET_FAILED' }))
    const report = await during(async () => system.apply(await withCore(...all)))
    expect(verdicts(report)).toMatchObject({ router: 'swap', store: 'swap', broker: 'swap' })
    await during(async () => expect(system.apply(await failing())).rejects.toMatchObject({ component: 'broker' }))
  })

  it('notice nothing of a server of other code, and of one that is undone', async () => {
    const { system, during, verdicts } = await start()
    const report = await during(async () => system.apply(await withServer()))
    expect(verdicts(report)).toMatchObject({ server: 'swap' })
    expect(report.errors).toEqual([])
    expect(report.plan.connections).toEqual([{ listener: 'server', keptUntouched: 0, repiped: 4, closed: 0 }])
    let opened = 0
    const stage = system.map.mqttDecoder as unknown as { open: (...parts: unknown[]) => unknown }
    const { open } = stage
    stage.open = (...parts) => {
      opened += 1
      if (opened === versions.length) throw new Error('not this one')
      return open.apply(stage, parts)
    }
    await during(async () =>
      expect(system.apply(await withServer())).rejects.toMatchObject({
        code: 'RESET_FAILED',
        component: 'server',
        phase: 'take',
        undoErrors: [],
      }),
    )
    await during(async () => system.apply(await withServer()))
  })

  it('notice nothing of a server of other code that has other values and another handler', async () => {
    const { system, during, verdicts } = await start()
    const { mqttHandler } = withHandler()
    const change = async () => {
      const config = await withServer({ mqttHandler })
      return {
        ...config,
        server: { ...config['server'], config: { ...quietSystem.server.config, closeDeadlineMs: 1_500 } },
      }
    }
    const report = await during(async () => system.apply((await change()) as AnySystemConfig))
    expect(verdicts(report)).toMatchObject({ server: 'swap', mqttHandler: 'swap' })
    expect(report.errors).toEqual([])
  })

  it('are disconnected by a server of other code when the decoder does not hand over, and the plan says so', async () => {
    const mqttDecoder = muteDecoder()
    const system = createSystem({ ...quietSystem, mqttDecoder } as typeof quietSystem)
    await system.start()
    ending.push(() => system.stop())
    const client = await RawClient.connect(system.map.server.port)
    client.send('10 0f 0004 4d515454 04 02 003c 0003 726177')
    expect(await client.frame()).toBe('20020000')
    const report = await system.apply(await withServer({ mqttDecoder }))
    expect(report.parts.find(({ name }) => name === 'server')?.verdict).toBe('restart')
    expect(report.plan.connections).toEqual([{ listener: 'server', keptUntouched: 0, repiped: 0, closed: 1 }])
    await client.closed
  })

  it('notice nothing of other values', async () => {
    const { system, during, verdicts } = await start()
    const { mqttHandler } = withConfig({ connectDeadlineMs: 9_000 })
    const server = { ...quietSystem.server, config: { ...quietSystem.server.config, closeDeadlineMs: 1_500 } }
    const report = await during(() => system.apply({ ...quietSystem, mqttHandler, server }))
    expect(verdicts(report)).toEqual({ mqttHandler: 'adjust', server: 'adjust' })
    expect(report.errors).toEqual([])
  })

  it.each([
    ['take of the handler', 'take'],
    ['give of the handler', 'give'],
    ['prepare of the handler', 'prepare'],
  ] as const)('notice nothing of a reset that is undone at the %s', async (_step, step) => {
    const { system, during } = await start()
    const fail = () => {
      throw new Error('not today')
    }
    // What gives is the old one.
    const first = withHandler(({ handover }) => ({ handover: { ...handover!, [step]: fail } }))
    if (step === 'give') await during(() => system.apply(first))
    const failing = step === 'give' ? withHandler() : first
    await during(() =>
      expect(system.apply(failing)).rejects.toMatchObject({
        code: 'RESET_FAILED',
        component: 'mqttHandler',
        phase: step,
      }),
    )
    const connections = system.map.server.connections
    expect(connections).toBe(versions.length + 1)
  })

  it('notice nothing of a reset that is undone when the pipeline of the last one is opened', async () => {
    const { system, during, verdicts } = await start()
    let opened = 0
    const failing = withHandler(({ handover }) => ({
      handover: {
        ...handover!,
        prepare: async (...parts: Parameters<NonNullable<typeof handover>['prepare']>) => {
          const stage = (await handover!.prepare(...parts)) as { open: (...of: unknown[]) => unknown }
          const { open } = stage
          stage.open = (...of) => {
            opened += 1
            if (opened === versions.length + 1) throw new Error('not this one')
            return open.apply(stage, of)
          }
          return stage
        },
      },
    }))
    await during(() =>
      expect(system.apply(failing)).rejects.toMatchObject({ code: 'RESET_FAILED', component: 'server' }),
    )
    expect(opened).toBe(versions.length + 1)
    const report = await during(() => system.apply(withHandler()))
    expect(verdicts(report)).toEqual({ mqttHandler: 'swap', server: 'adjust' })
  })
})
