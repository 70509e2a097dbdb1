import { expect, test } from 'vitest'
import { resetOnSave } from './reset-on-save.ts'

test('a save resets when there is something to reset', async () => {
  const log: string[] = []
  let stale = true
  const onSave = resetOnSave({
    isStale: () => stale,
    reset: async () => void log.push('reset'),
    onOther: () => void log.push('other'),
  })
  await onSave()
  stale = false
  await onSave()
  expect(log).toEqual(['reset', 'other'])
})

test('saves during a reset cause one more reset', async () => {
  const resets: (() => void)[] = []
  let begun = (): void => {}
  const onSave = resetOnSave({
    isStale: () => true,
    reset: () =>
      new Promise((finish) => {
        resets.push(finish)
        begun()
      }),
    onOther: () => {},
  })
  const second = new Promise<void>((resolve) => {
    begun = () => resets.length === 2 && resolve()
  })
  const saves = [onSave(), onSave(), onSave()]
  expect(resets.length).toBe(1)
  resets[0]!()
  await second
  resets[1]!()
  await Promise.all(saves)
  expect(resets.length).toBe(2)
})
