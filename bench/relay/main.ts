/** The bare relay as a process of its own: sends its port to its parent, and ends with it. */

import type { AddressInfo } from 'node:net'
import { createRelay } from './relay.ts'

const server = createRelay({ isPlain: process.argv.includes('--plain') })
server.listen(0, '127.0.0.1', 4096, () => {
  process.send?.({ port: (server.address() as AddressInfo).port })
})
process.once('disconnect', () => process.exit(0))
process.once('SIGTERM', () => process.exit(0))
