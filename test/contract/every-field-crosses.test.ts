import { describe, expect, it } from 'vitest'
import { fieldsOf, fieldsUsedBy, propertiesOf, propertiesReadBy } from '../helpers/class-fields.ts'
import { CROSSING_CLASSES, CROSSING_RECORDS } from './crossing-classes.ts'

describe.each(CROSSING_CLASSES)('$class of $file', ({ file, class: name, gives, forgotten }) => {
  it('hands over each field, or has a reason to forget it', () => {
    const given = fieldsUsedBy(file, name, gives)
    const unknown = fieldsOf(file, name).filter((field) => !given.has(field) && !Object.hasOwn(forgotten, field))
    expect(unknown, 'add them to what the class hands over, or to `forgotten` in crossing-classes.ts').toEqual([])
  })

  it('has the fields that are said to be forgotten, and does not hand them over', () => {
    const fields = new Set(fieldsOf(file, name))
    expect(Object.keys(forgotten).filter((field) => !fields.has(field))).toEqual([])
  })
})

it.each(CROSSING_RECORDS)('each property of $interface is taken', ({ file, interface: name, takenBy }) => {
  const read = new Set(takenBy.flatMap((taker) => [...propertiesReadBy(taker)]))
  expect(propertiesOf(file, name).filter((property) => !read.has(property))).toEqual([])
})
