import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'

/** How often another port is tried if the free port was taken in the meantime. */
const attempts = 3

/**
 * Starts a program on a free port that it gets as an argument.
 * @throws the error of the last attempt.
 */
export const onFreePort = async <T>(start: (port: number) => Promise<T>): Promise<T> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(await freePort())
    } catch (error) {
      if (attempt === attempts) throw error
    }
  }
}

/** Whether connections on a port are accepted; undefined if not. */
export const answers = (port: number): Promise<true | undefined> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('error', () => resolve(undefined))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })

/** A port that is free now. */
export const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
