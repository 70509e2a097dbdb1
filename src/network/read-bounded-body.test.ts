import { expect, test } from 'vitest'
import { readBoundedBody } from './read-bounded-body.ts'

/** A body in pieces, and whether its reader has given it up. */
const body = (...pieces: readonly string[]) => {
  const state = { isCancelled: false, read: 0 }
  const stream = new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        const piece = pieces[state.read]
        state.read += 1
        if (piece === undefined) controller.close()
        else controller.enqueue(Buffer.from(piece))
      },
      cancel: () => {
        state.isCancelled = true
        throw new Error('the connection is gone')
      },
    },
    { highWaterMark: 0 },
  )
  return { state, response: new Response(stream) }
}

test('a body up to the limit is read', async () => {
  expect((await readBoundedBody(body('abc', 'de').response, 5)).toString()).toBe('abcde')
})

test('an answer without a body is empty', async () => {
  expect(await readBoundedBody(new Response(null, { status: 204 }), 0)).toEqual(Buffer.alloc(0))
})

test('the rest of a body over the limit is not read, and its connection is closed', async () => {
  const { state, response } = body('abc', 'def', 'ghi')
  await expect(readBoundedBody(response, 5)).rejects.toThrow('the answer has more than 5 bytes')
  expect(state).toEqual({ isCancelled: true, read: 2 })
})
