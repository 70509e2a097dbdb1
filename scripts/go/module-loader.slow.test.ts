import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ModuleFolder } from '../../test/helpers/module-folder.ts'
import { createModuleLoader } from './module-loader.ts'

let folder: ModuleFolder
beforeEach(() => {
  folder = new ModuleFolder()
})
afterEach(() => folder.remove())

test('a config in JSON is read again when it has changed, and so are the modules that it names', async () => {
  const component = (kind: string): string =>
    `export const part = { provides: { name: '${kind}' }, needs: {}, config: {}, start: () => ({}) }`
  folder.write('part.mjs', component('First'))
  folder.write('own.json', '{ "part": { "component": "./part.mjs#part" }, "server": { "config": { "port": 1 } } }')
  const json = await createModuleLoader(folder.directory, join(folder.directory, 'own.json'))
  try {
    expect((await json.load()).config).toMatchObject({
      part: { component: { provides: { name: 'First' } } },
      server: { config: { port: 1 } },
    })
    expect(json.isStale()).toBe(false)
    folder.write('own.json', '{ "part": { "component": "./part.mjs#part" }, "server": { "config": { "port": 2 } } }')
    expect(json.isStale()).toBe(true)
    expect(await json.load()).toMatchObject({ config: { server: { config: { port: 2 } } }, changed: ['own.json'] })
    folder.write('part.mjs', component('Second'))
    expect(json.isStale()).toBe(true)
    expect(await json.load()).toMatchObject({
      config: { part: { component: { provides: { name: 'Second' } } } },
      changed: ['part.mjs'],
    })
    folder.write('own.json', '{')
    await expect(json.load()).rejects.toMatchObject({
      code: 'LOAD_FAILED',
      message: expect.stringMatching(/^own\.json: is not valid JSON/),
    })
    folder.write('own.json', '{ "sever": {} }')
    await expect(json.load()).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    expect(json.isStale()).toBe(true)
  } finally {
    await json.close()
  }
})
