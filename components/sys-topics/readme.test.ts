import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { sysTopicsConfig } from './config.ts'
import { LOADS, SYS_TOPICS } from './topics.ts'

const page = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8')

it('names every topic', () => {
  const named = (topic: string): boolean => {
    const [group, type, direction] = topic.split('/')
    if (group === 'mqtt' && type !== 'publish') {
      const [, types = ''] = page.match(new RegExp(`^\\| \`mqtt/TYPE/${direction}\` \\| (.*) \\|$`, 'm')) ?? []
      return types.includes(`\`${type}\``)
    }
    return page.includes(`\`${topic}\``)
  }
  expect(SYS_TOPICS.map(({ topic }) => topic).filter((topic) => !named(topic))).toEqual([])
  expect(Object.keys(LOADS).filter((name) => !page.includes(`\`${name}\``))).toEqual([])
})

it('has every value of the config, with its default and description', () => {
  const rows = Object.entries(sysTopicsConfig.shape).map(([name, schema]) => {
    const value: unknown = sysTopicsConfig.parse({})[name as keyof typeof sysTopicsConfig.shape]
    return `| \`${name}\` | \`${value}\` | ${schema.description} |`
  })
  expect(rows.filter((row) => !page.includes(row))).toEqual([])
})
