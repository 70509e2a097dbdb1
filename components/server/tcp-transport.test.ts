import { once } from 'node:events'
import { connect } from 'node:net'
import { listen } from '../../src/network/listening.ts'
import { transportContract } from '../../test/contract/transport.ts'
import { BufferPool } from './buffer-pool.ts'
import { serverConfig } from './config.ts'
import { EndOfTurn } from './end-of-turn.ts'
import { SharedInput } from './shared-input.ts'
import { TcpTransport } from './tcp-transport.ts'

transportContract('TCP', async () => {
  const config = serverConfig.parse({ port: 0 })
  const input = new SharedInput(new BufferPool(), new EndOfTurn())
  const makeSocket = (handle: object) => input.socketFor(handle)
  const transport = new TcpTransport(await listen(config), config, 'server', makeSocket, () => undefined)
  return {
    transport,
    connect: async () => {
      const client = connect({ port: transport.port, host: '127.0.0.1', allowHalfOpen: true })
      await once(client, 'connect')
      return client
    },
    stop: () => transport.close(),
  }
})
