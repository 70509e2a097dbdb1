import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { transportContract } from '../contract/transport.ts'
import { listenAt, UnixTransport } from './unix-transport.ts'

const folder = mkdtempSync(join(tmpdir(), 'mqtt-jig-'))
afterAll(() => rmSync(folder, { recursive: true }))

let last = 0
transportContract('a Unix socket', async () => {
  const path = join(folder, `${++last}.sock`)
  const transport = new UnixTransport('local', path, await listenAt(path))
  return {
    transport,
    connect: async () => {
      const client = connect({ path, allowHalfOpen: true })
      await once(client, 'connect')
      return client
    },
    stop: () => transport.close(),
  }
})
