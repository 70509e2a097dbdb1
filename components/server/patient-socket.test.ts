import { expect, it, vi } from 'vitest'
import { PatientSocket } from './patient-socket.ts'

const failure = (syscall: string) => Object.assign(new Error('ECONNRESET'), { syscall })

it('leaves it to its owner to destroy it when a read has failed', () => {
  const lost = vi.fn()
  const socket = new PatientSocket({})
  socket.tell(lost)
  socket.on('error', () => undefined)
  const error = failure('read')
  socket.destroy(error)
  expect(lost.mock.calls).toEqual([[error]])
  expect(socket.destroyed).toBe(false)
  socket.destroy(error)
  expect(socket.destroyed).toBe(true)
  expect(lost).toHaveBeenCalledTimes(1)
})

it('a socket is destroyed at once for any other reason', () => {
  const lost = vi.fn()
  for (const error of [undefined, failure('write')]) {
    const socket = new PatientSocket({})
    socket.tell(lost)
    socket.on('error', () => undefined)
    socket.destroy(error)
    expect(socket.destroyed).toBe(true)
  }
  expect(lost).not.toHaveBeenCalled()
})
