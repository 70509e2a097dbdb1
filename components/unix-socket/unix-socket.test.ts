import { once } from 'node:events'
import { existsSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { transportContract } from '../../test/contract/transport.ts'
import { lifecycleContext } from '../../test/helpers/lifecycle-context.ts'
import { startTransport } from '../../test/helpers/start-transport.ts'
import { unixSocket } from './index.ts'

const folder = mkdtempSync(join(tmpdir(), 'mqtt-jig-'))
afterAll(() => rmSync(folder, { recursive: true }))

let last = 0
let path: string
beforeEach(() => {
  path = join(folder, `${++last}.sock`)
})

const connected = async (to: string): Promise<Socket> => {
  const socket = connect({ path: to, allowHalfOpen: true })
  await once(socket, 'connect')
  return socket
}
const context = () => lifecycleContext('tested')
const modeOf = (file: string): string => (statSync(file).mode & 0o777).toString(8)

transportContract('a Unix socket', async () => {
  const { transport } = await startTransport(unixSocket, { path })
  return { transport, connect: () => connected(path), stop: () => transport.close() }
})

/** Leaves a socket file behind, as a process that was killed does. */
const leaveFile = async (): Promise<void> => {
  const server = createServer().listen(join(folder, 'moved'))
  await once(server, 'listening')
  renameSync(join(folder, 'moved'), path)
  server.close()
  await once(server, 'close')
}

describe('unixSocket', () => {
  it('is local, and names no address', async () => {
    const { transport } = await startTransport(unixSocket, { path })
    expect(transport).toMatchObject({ isLocal: true, adoptable: true, address: path, transport: 'unix' })
    await transport.close()
  })

  it.each([
    [undefined, '600'],
    ['660', '660'],
    ['0666', '666'],
  ])(
    'with mode %s may be used by those that mode %s allows, and its file is removed at the end',
    async (mode, found) => {
      const { transport } = await startTransport(unixSocket, { path, ...(mode !== undefined && { mode }) })
      expect(modeOf(path)).toBe(found)
      await transport.close()
      expect(existsSync(path)).toBe(false)
    },
  )

  it('stays over a reset: a client that connects meanwhile is served by the successor, under its mode', async () => {
    const { transport, log } = await startTransport(unixSocket, { path })
    const suspended = await unixSocket.suspend!(transport, context())
    const client = await connected(path)
    const config = unixSocket.config.parse({ path, mode: '666' })
    const successor = await unixSocket.resume!(config, { logger: log }, suspended, context())
    expect(modeOf(path)).toBe('666')
    let served = 0
    client.resume()
    successor.serve({
      accept: (stream) => {
        served += 1
        stream.destroy()
      },
      admits: () => true,
      countRefused: () => expect.unreachable(),
      changed: () => expect.unreachable(),
      ended: () => {},
    })
    await once(client, 'end')
    expect(served).toBe(1)
    await unixSocket.stop!(successor, context())
    expect(existsSync(path)).toBe(false)
  })

  it('moves over a reset that changes its path', async () => {
    const { transport, log } = await startTransport(unixSocket, { path })
    const suspended = await unixSocket.suspend!(transport, context())
    const config = unixSocket.config.parse({ path: `${path}.other` })
    expect(unixSocket.describe!(config)).toBe(`${path}.other`)
    const successor = await unixSocket.resume!(config, { logger: log }, suspended, context())
    expect([existsSync(path), successor.address]).toEqual([false, `${path}.other`])
    await successor.close()
  })

  it('replaces a socket that no process listens at', async () => {
    await leaveFile()
    const { transport } = await startTransport(unixSocket, { path })
    const client = await connected(path)
    client.destroy()
    await transport.close()
  })

  it('does not touch a socket that another process listens at', async () => {
    const { transport } = await startTransport(unixSocket, { path })
    await expect(startTransport(unixSocket, { path })).rejects.toMatchObject({ code: 'EADDRINUSE' })
    const client = await connected(path)
    client.destroy()
    await transport.close()
  })

  it('does not touch a file that is not a socket', async () => {
    writeFileSync(path, 'text')
    await expect(startTransport(unixSocket, { path })).rejects.toMatchObject({ code: 'EADDRINUSE' })
    expect(statSync(path).size).toBe(4)
  })

  it('does not start where there is no folder', async () => {
    await expect(startTransport(unixSocket, { path: join(folder, 'none', 'a.sock') })).rejects.toMatchObject({
      code: 'ENOENT',
      message: expect.stringContaining(`the folder ${join(folder, 'none')} does not exist. Make it, or change path`),
    })
  })

  it.each(['', 'x'.repeat(108)])('refuses the path %j', (text) => {
    expect(unixSocket.config.safeParse({ path: text }).success).toBe(false)
  })

  it.each(['9', '888', '4755', 'rw'])('refuses the mode %s', (mode) => {
    expect(unixSocket.config.safeParse({ path, mode }).success).toBe(false)
  })
})
