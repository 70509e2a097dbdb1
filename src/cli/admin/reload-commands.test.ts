import { afterEach, beforeEach, expect, test } from 'vitest'
import { CommandRun } from '../../../test/helpers/command-run.ts'
import { FAKE_TOKEN, FakeAdmin } from '../../../test/helpers/fake-admin.ts'
import { main as plan } from './plan.ts'
import { main as reload } from './reload.ts'

let fake: FakeAdmin
beforeEach(async () => {
  fake = await FakeAdmin.start()
})
afterEach(() => fake.stop())

const run = async (main: typeof plan, words: string, isTTY = true): Promise<CommandRun> => {
  const environment = { MQTT_JIG_ADMIN_URL: fake.url, MQTT_JIG_TOKEN: FAKE_TOKEN }
  const started = new CommandRun(main, words, { isTTY, environment })
  await started.code
  return started
}

const part = (name: string, verdict: string, ...reasons: string[]) => ({ name, kind: 'Kind', verdict, reasons })
const applied = {
  parts: [part('logger', 'adjust', 'config.level'), part('router', 'keep')],
  connections: [{ listener: 'server', keptUntouched: 812, repiped: 3, closed: 0 }],
}
const found = { ...applied, refusals: [] as string[] }

test('plan shows what changes, why, and what happens to connections', async () => {
  fake.routes.set('GET /components/plan', () => found)
  const { stdout, code } = await run(plan, '')
  expect(await code).toBe(0)
  expect(stdout).toContain('logger     adjust   config.level\n')
  expect(stdout).toContain('server            812     3       0\n')
  expect(stdout).toContain('Not touched: 1 component.\n')
  expect(stdout).not.toContain('router')
  expect((await run(plan, '--all')).stdout).toContain('router     keep')
  expect(JSON.parse((await run(plan, '', false)).stdout)).toEqual(found)
})

test('a plan that changes nothing says so', async () => {
  fake.routes.set('GET /components/plan', () => ({ parts: [part('router', 'keep')], connections: [], refusals: [] }))
  expect((await run(plan, '')).stdout).toBe('No component changes.\n')
})

test('a plan that a reload will refuse: a line for each reason, and exit code 1', async () => {
  const refusals = ['store would end: restart the process for it', 'server would\nend']
  fake.routes.set('GET /components/plan', () => ({ ...found, refusals }))
  const { stdout, stderr, code } = await run(plan, '')
  expect(await code).toBe(1)
  expect(stdout).toContain('logger     adjust   config.level\n')
  expect(stdout).toMatch(/\n\nrefused: store would end: restart the process for it\nrefused: server would\S+end\n$/)
  expect(stderr).toBe('')
  const json = await run(plan, '--json')
  expect(await json.code).toBe(1)
  expect(JSON.parse(json.stdout)).toMatchObject({ refusals })
  expect((await run(plan, '--table', false)).stdout).toBe(stdout)
})

test('a config that is wrong: exit code 1, and what is wrong with it', async () => {
  fake.routes.set('GET /components/plan', () => [409, { error: 'logger.config.level: there is no level loud' }])
  const { stderr, code } = await run(plan, '')
  expect(await code).toBe(1)
  expect(stderr).toContain('there is no level loud')
})

test('reload shows what was applied, and the files that were read again', async () => {
  const items = [{ name: 'tls', change: 'a new certificate' }, { name: 'topicRules' }]
  fake.routes.set('POST /components/reload', () => ({ plan: applied, ms: 12.4, cutOverMs: 1, items }))
  const { stdout, code } = await run(reload, '')
  expect(await code).toBe(0)
  expect(stdout).toContain('logger     adjust   config.level\n')
  expect(stdout).toContain('tls: a new certificate\nReloaded in 12 ms.\n')
})

test('a component that could not read its files: exit code 1', async () => {
  fake.routes.set('POST /components/reload', () => ({ items: [{ name: 'tls', error: 'server.key is no key' }] }))
  const { stderr, code } = await run(reload, '')
  expect(await code).toBe(1)
  expect(stderr).toBe('tls: server.key is no key\n')
})

test.each([
  [plan, 'plan takes no argument'],
  [reload, 'reload takes no argument'],
])('arguments are refused', async (main, text) => {
  const { stderr, code } = await run(main, 'now')
  expect(await code).toBe(2)
  expect(stderr).toContain(text)
})
