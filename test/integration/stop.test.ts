import { expect, it } from 'vitest'
import { RawClient } from '../helpers/raw-client.ts'
import { startBroker } from '../helpers/start-broker.ts'

// By itself in this file, since it looks at the sockets of the whole process. Other files of tests may have left some open.
it('stop leaves no socket open', async () => {
  const sockets = () => process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP')).length
  const before = sockets()
  const broker = await startBroker()
  const clients = await Promise.all([1, 2, 3].map(() => RawClient.connect(broker.port)))
  for (const client of clients) {
    expect(await client.send('100c 00044d515454 04 02 003c 0000').frame()).toBe('20020000')
  }
  // A listening socket, and both ends of each connection.
  expect(sockets()).toBeGreaterThanOrEqual(before + 1 + 2 * clients.length)
  await Promise.all([broker.stop(), ...clients.map(({ closed }) => closed)])
  expect(sockets()).toBeLessThanOrEqual(before)
})
