import { expect, test } from 'vitest'
import { main as sub } from '../../src/cli/sub.ts'
import { CommandRun } from '../helpers/command-run.ts'
import { FakeBrokerServer } from '../helpers/fake-broker-server.ts'

test('a broker that does not answer PINGREQ is given up', async () => {
  const fake = await FakeBrokerServer.start(['20 03 00 00 00', '90 04 00 01 00 00'])
  const run = new CommandRun(sub, `-p ${fake.port} -t a -k 1 --no-reconnect`)
  expect(await run.code).toBe(7)
  expect(run.stderr).toBe('The broker did not answer PINGREQ within the Keep Alive time.\n')
  expect(fake.received).toContain('c000')
  await fake.stop()
})

test('the Keep Alive of the broker comes before that of the client', async () => {
  // Server Keep Alive 1.
  const fake = await FakeBrokerServer.start(['20 06 00 00 03 13 00 01', '90 04 00 01 00 00', 'd0 00', 'd0 00'])
  const run = new CommandRun(sub, `-p ${fake.port} -t a -k 600`)
  await expect.poll(() => fake.received).toMatch(/c000.*c000/)
  run.interrupt()
  expect(await run.code).toBe(0)
  await fake.stop()
})
