import { expect, it, vi } from 'vitest'
import { RawClient } from '../helpers/raw-client.ts'
import { startBroker } from '../helpers/start-broker.ts'

// By itself in this file, since it looks at the sockets of the whole process. Tests before it may have left some that close now.
it('stop leaves no socket open', async () => {
  const sockets = () => process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP'))
  await vi.waitFor(() => expect(sockets()).toEqual([]))
  const broker = await startBroker()
  const clients = await Promise.all([1, 2, 3].map(() => RawClient.connect(broker.port)))
  for (const client of clients) {
    expect(await client.send('100c 00044d515454 04 02 003c 0000').frame()).toBe('20020000')
  }
  expect(sockets()).not.toEqual([])
  await Promise.all([broker.stop(), ...clients.map(({ closed }) => closed)])
  expect(sockets()).toEqual([])
})
