/** The bare relay as a process of its own: sends its port to its parent, and ends with it. */

import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { parseArgs } from 'node:util'
import { createRelay } from './relay.ts'

const { plain, cert, key } = parseArgs({
  options: { plain: { type: 'boolean' }, cert: { type: 'string' }, key: { type: 'string' } },
}).values
const server = createRelay({
  isPlain: plain === true,
  ...(cert !== undefined && key !== undefined && { tls: { cert: readFileSync(cert), key: readFileSync(key) } }),
})
server.listen(0, '127.0.0.1', 4096, () => {
  process.send?.({ port: (server.address() as AddressInfo).port })
})
process.once('disconnect', () => process.exit(0))
process.once('SIGTERM', () => process.exit(0))
