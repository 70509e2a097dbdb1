import { expect, it } from 'vitest'
import { PacedTurns } from './paced-turns.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

it('runs so many tasks in a turn, in their order', async () => {
  const turns = new PacedTurns(2)
  const done: number[] = []
  for (let index = 0; index < 5; index += 1) turns.add(() => done.push(index))
  expect(done).toEqual([])
  await turn()
  expect([done.join(), turns.size]).toEqual(['0,1', 3])
  await turn()
  await turn()
  expect([done.join(), turns.size]).toEqual(['0,1,2,3,4', 0])
})

it('runs a task that a task adds in a later turn', async () => {
  const turns = new PacedTurns(10)
  const done: string[] = []
  turns.add(() => {
    done.push('first')
    turns.add(() => done.push('second'))
  })
  await turn()
  expect(done).toEqual(['first'])
  await turn()
  expect(done).toEqual(['first', 'second'])
})

it('forgets the tasks when it stops, and takes new ones', async () => {
  const turns = new PacedTurns(1)
  const done: string[] = []
  turns.add(() => done.push('forgotten'))
  turns.stop()
  await turn()
  turns.add(() => done.push('new'))
  await turn()
  expect(done).toEqual(['new'])
})
