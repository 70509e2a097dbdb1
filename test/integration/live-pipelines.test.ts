import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { server } from '../../components/server/index.ts'
import type { MqttServer } from '../../components/server/mqtt-server.ts'
import { tls } from '../../components/tls/index.ts'
import { webSocket } from '../../components/web-socket/index.ts'
import type { PipelineStage } from '../../src/kinds/pipeline-stage.ts'
import { applyAdjustments } from '../helpers/apply-adjustment.ts'
import { TestFiles, testCertificates } from '../helpers/certificates.ts'
import { eventually } from '../helpers/eventually.ts'
import { runs } from '../helpers/full-run.ts'
import { lifecycleContext } from '../helpers/lifecycle-context.ts'
import { numberedReport, numberedStages, passingFilter } from '../helpers/numbered-stages.ts'
import { expectAllAnswered, NumberedStream } from '../helpers/numbered-stream.ts'
import { RecordingLogger } from '../helpers/recording-logger.ts'
import { WebSocketClient } from '../helpers/web-socket-client.ts'

const CLIENTS_PER_TRANSPORT = runs(80)
const RESETS = 10 + runs(40)

const files = new TestFiles()
const log = new RecordingLogger()
afterAll(() => files.remove())

describe('the pipelines of live connections', () => {
  const clients: NumberedStream[] = []
  const closing: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy()
    for (const close of closing.splice(0)) await close()
  })

  /** A server with TCP, TLS and WebSocket, and clients of all three. */
  const start = async (stages: readonly PipelineStage[]) => {
    const certificates = await testCertificates()
    const logger = log
    const context = lifecycleContext('tested')
    const secured = await tls.start(
      tls.config.parse({ port: 0, ...files.pair('server', certificates.server), handshakesPerTurn: 1_000 }),
      { logger },
      context,
    )
    const web = await webSocket.start(webSocket.config.parse({ port: 0 }), { logger }, context)
    const config = server.config.parse({ port: 0, closeDeadlineMs: 100 })
    const transports = [secured, web]
    const started = (await server.start(config, { pipeline: [...stages], transports, logger }, context)) as MqttServer
    closing.push(
      () => Promise.resolve(server.stop?.(started, context)),
      () => secured.close(),
      () => web.close(),
    )
    const ca = certificates.authority.cert
    const opened = await Promise.all(
      Array.from({ length: CLIENTS_PER_TRANSPORT }, async () => {
        const plain = connectTcp(started.port, '127.0.0.1')
        const secure = connectTls({ port: secured.port, host: '127.0.0.1', ca, servername: 'localhost' })
        const [overWeb] = await Promise.all([
          WebSocketClient.connect(web.port),
          once(plain, 'connect'),
          once(secure, 'secureConnect'),
        ])
        return [plain, secure, overWeb].map((stream) => new NumberedStream(stream))
      }),
    )
    clients.push(...opened.flat())
    await eventually(() => expect(started.connections).toBe(3 * CLIENTS_PER_TRANSPORT))
    const adjust = (pipeline: readonly PipelineStage[]) =>
      Promise.resolve(server.adjust!(started, config, { pipeline: [...pipeline], transports, logger }, context))
    return { started, adjust }
  }

  it('go on over swapped stages and changed filters; a failure at any connection is undone, and no packet is lost or doubled', async () => {
    const report = numberedReport()
    let stages: PipelineStage[] = [...numberedStages(report).all]
    const { started, adjust } = await start(stages)
    let undone = 0
    for (let reset = 0; reset < RESETS; reset += 1) {
      for (const [index, client] of clients.entries()) client.send(1 + (index % 3), 1 + ((index + reset) % 9))
      const { decoder, handler, encoder } = numberedStages(report)
      const [oldDecoder, oldHandler, oldEncoder] = [
        stages[0]!,
        stages.find(({ role }) => role === 'handler')!,
        stages.at(-1)!,
      ]
      const wanted: PipelineStage[] = [
        reset % 2 === 0 ? decoder : oldDecoder,
        ...(reset % 3 === 0 ? [passingFilter()] : []),
        reset % 5 === 0 ? oldHandler : handler,
        ...(reset % 4 === 0 ? [passingFilter()] : []),
        reset % 2 === 1 ? encoder : oldEncoder,
      ]
      const stage = reset % 2 === 0 ? 'decoder' : 'encoder'
      report.failing = reset % 3 === 1 ? { stage, connection: 1 + ((reset * 37) % clients.length) } : undefined
      const applied = applyAdjustments([await adjust(wanted)], () => started.settle())
      if (report.failing === undefined) {
        await applied
        stages = wanted
      } else {
        await expect(applied).rejects.toThrow('does not open')
        undone += 1
      }
      report.failing = undefined
    }
    expect(undone).toBeGreaterThan(3)
    await expectAllAnswered(clients, report)
    expect(started.counters.accepted).toBe(clients.length)
  })
})
