import { transportContract } from '../../test/contract/transport.ts'
import { startTransport } from '../../test/helpers/start-transport.ts'
import { WebSocketClient } from '../../test/helpers/web-socket-client.ts'
import { webSocket } from './index.ts'

transportContract('a WebSocket', async () => {
  const { transport } = await startTransport(webSocket, { port: 0 })
  return { transport, connect: () => WebSocketClient.connect(transport.port), stop: () => transport.close() }
})
