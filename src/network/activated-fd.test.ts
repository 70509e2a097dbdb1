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
