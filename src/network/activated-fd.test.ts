import { closeSync, openSync } from 'node:fs'
import { createServer } from 'node:net'
import { expect, it } from 'vitest'
import { checkActivatedFd } from './activated-fd.ts'

it.each([
  [3, {}, 'fd: 3 needs socket activation'],
  [3, { LISTEN_FDS: '1' }, 'fd: 3 needs socket activation'],
  [3, { LISTEN_FDS: '1', LISTEN_PID: '8' }, 'passed to process 8, and this is process 7'],
  [4, { LISTEN_FDS: '1', LISTEN_PID: '7' }, 'LISTEN_FDS is 1, so that the numbers are only 3'],
  [6, { LISTEN_FDS: '3', LISTEN_PID: '7' }, 'LISTEN_FDS is 3, so that the numbers are 3 to 5'],
  [3, { LISTEN_FDS: 'x', LISTEN_PID: '7' }, 'fd: 3 was not passed'],
])('fd %d with %j is refused', (fd, environment, message) => {
  expect(() => checkActivatedFd(fd, environment, 7)).toThrow(message)
})

/** The environment in which this descriptor is one that was passed. */
const passed = { LISTEN_FDS: '1000000', LISTEN_PID: '7' }

it('a descriptor that is no socket is refused, although it was passed', () => {
  const fd = openSync(import.meta.filename, 'r')
  expect(() => checkActivatedFd(fd, passed, 7)).toThrow(`fd: ${fd} is not a socket.`)
  closeSync(fd)
})

it('a socket that was passed is accepted', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { fd } = (server as unknown as { readonly _handle: { readonly fd: number } })._handle
  expect(() => checkActivatedFd(fd, passed, 7)).not.toThrow()
  server.close()
})
