/** Aedes as a process of its own: sends its port to its parent, and ends with it. */

import { type AddressInfo, createServer } from 'node:net'
import { Aedes } from 'aedes'

const broker = await Aedes.createBroker({ heartbeatInterval: 60_000 })
const server = createServer({ noDelay: true }, broker.handle)
server.listen(0, '127.0.0.1', 4096, () => {
  process.send?.({ port: (server.address() as AddressInfo).port })
})
process.once('disconnect', () => process.exit(0))
process.once('SIGTERM', () => process.exit(0))
