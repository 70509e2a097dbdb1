import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { serverConfig } from '../../components/server/config.ts'
import { Core } from '../../components/server/core.ts'
import { readPipeline } from '../../components/server/pipeline.ts'
import { transportContract } from '../contract/transport.ts'
import { eventually } from '../helpers/eventually.ts'
import { RecordingLogger } from '../helpers/recording-logger.ts'
import { TlsTransport } from './tls-transport.ts'

transportContract('TLS', async () => {
  const transport = await TlsTransport.listen()
  return {
    transport,
    connect: async () => (await transport.connect()).client,
    stop: () => transport.close(),
  }
})

describe('a connection over TLS', () => {
  let transport: TlsTransport
  let core: Core
  let text = ''
  beforeEach(async () => {
    transport = await TlsTransport.listen()
    text = ''
    const unused = () => expect.unreachable()
    const bytes = (chunk: Uint8Array) => {
      text += Buffer.from(chunk)
      return chunk.length
    }
    const pipeline = readPipeline(
      [
        { role: 'decoder', open: () => ({ bytes }) },
        { role: 'handler', open: () => ({ packet: unused, publish: unused }) },
        { role: 'encoder', open: () => ({ packet: unused, publish: unused }) },
      ],
      'here',
    )
    core = new Core(serverConfig.parse({ closeDeadlineMs: 100 }), pipeline, new RecordingLogger())
    core.serve(transport)
  })
  afterEach(async () => {
    await core.stop('test ends')
    await transport.close()
  })

  it('is read from its TLSSocket, which is not taken over', async () => {
    const { client } = await transport.connect()
    client.write('text')
    await eventually(() => expect(text).toBe('text'))
    const [socket] = transport.streams
    expect([socket?.listenerCount('data'), socket?.getCipher().name]).toEqual([1, expect.stringContaining('PSK')])
    client.destroy()
  })

  it('leaves nothing when the client sends what is no TLS after the handshake', async () => {
    const { client, raw } = await transport.connect()
    client.on('error', () => undefined)
    await eventually(() => expect(core.connections).toBe(1))
    raw.write(Buffer.alloc(100, 'x'))
    await eventually(() => expect(core.connections).toBe(0))
    expect(core.counters).toMatchObject({ endedByNetwork: 1 })
    raw.destroy()
  })
})
