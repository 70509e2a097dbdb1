import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'

/** How often another port is tried when somebody took the free one in the meantime. */
const attempts = 3

/**
 * Starts something that must be told its port, on one that is free.
 * @throws what the last attempt threw.
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

/** Whether somebody accepts connections on a port; undefined when nobody does. */
export const answers = (port: number): Promise<true | undefined> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('error', () => resolve(undefined))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })

/** A port that nobody listens on now. */
const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
