import { createServer, type Server } from 'node:net'
import { generate, parser } from 'mqtt-packet'
import { afterEach, expect, it } from 'vitest'
import { readRetained } from './read-retained.ts'

let server: Server | undefined

afterEach(() => server?.close())

/** A server that answers from the n-th connection on, and resets those before it. @returns its port. */
const serve = (from: number, payload: string | undefined): Promise<number> => {
  let connections = 0
  const listening = createServer((socket) => {
    socket.on('error', () => undefined)
    connections += 1
    if (connections < from) return socket.resetAndDestroy()
    const reader = parser({ protocolVersion: 4 })
    reader.on('packet', ({ cmd }) => {
      if (cmd === 'connect') socket.write(generate({ cmd: 'connack', sessionPresent: false, returnCode: 0 }))
      if (cmd !== 'subscribe' || payload === undefined) return
      socket.write(generate({ cmd: 'publish', topic: 'crash/0', payload, qos: 0, retain: true, dup: false }))
    })
    return socket.on('data', (bytes) => void reader.parse(bytes))
  })
  server = listening
  return new Promise((resolve) => {
    listening.listen(0, '127.0.0.1', () => {
      const address = listening.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })
}

it('reads the retained message of a broker that loses the first connections', async () => {
  expect(await readRetained(await serve(3, '241'), 'crash/0', 60_000)).toBe('241')
})

it('reads nothing when none comes in time', async () => {
  expect(await readRetained(await serve(1, undefined), 'crash/0', 50)).toBeUndefined()
})
