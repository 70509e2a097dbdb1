import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { packetBytes } from '../helpers/packet-bytes.ts'

const root = resolve(import.meta.dirname, '../..')

test('a listening socket that the parent passed is used, and kept over a reset', async () => {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const { fd } = (server as unknown as { _handle: { fd: number } })._handle
  const child = spawn(process.execPath, ['scripts/run.mjs', 'test/helpers/activated-broker.ts'], {
    cwd: root,
    env: { ...process.env, LISTEN_FDS: '1' },
    stdio: ['pipe', 'pipe', 'inherit', fd],
  })
  const exited = once(child, 'exit')
  // From now on the child alone accepts.
  server.close()
  const connected = async (): Promise<string> => {
    const socket = connect(port, '127.0.0.1')
    socket.write(packetBytes('10 @ "MQTT" 04 02 003c "a"'))
    const [answer] = await once(socket, 'data')
    socket.destroy()
    return answer.toString('hex')
  }
  expect(`${(await once(child.stdout!, 'data'))[0]}`).toBe('started\n')
  expect(await connected()).toBe('20020000')
  child.stdin!.write('reset')
  expect(`${(await once(child.stdout!, 'data'))[0]}`).toBe('reset\n')
  expect(await connected()).toBe('20020000')
  child.stdin!.end()
  expect(await exited).toEqual([0, null])
  await expect(once(connect(port, '127.0.0.1'), 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})
